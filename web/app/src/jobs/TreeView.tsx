/** Plays, tasks, and hosts with their times on one scale: the tree and the timeline of a job. */
import { useEffect, useMemo, useRef, useState } from "react";
import { useParam } from "../lib/route";
import { duration, useNow } from "../lib/time";
import { t } from "../text";
import { Button, Empty, Loading } from "../ui/basics";
import { Icon } from "../ui/Icon";
import { StateIcon } from "../ui/State";
import { Windowed, type WindowedHandle } from "../ui/Windowed";
import { EventPanel } from "./EventPanel";
import { type Filter, type HostState, type Row, rowsOf, type TaskNode, type Tree } from "./tree";
import { useTree } from "./useTree";

const ROW_PX = 26;
const SHOWS = ["all", "failed", "changed"] as const;
const COUNTED: HostState[] = ["ok", "changed", "skipped", "ignored", "rescued", "failed", "unreachable"];

export function TreeView({ job, attempt, isRunning }: { job: string; attempt: number; isRunning: boolean }) {
  const { tree, version, isComplete } = useTree(job, attempt);
  const [show, setShow] = useParam("show", "all");
  const [host, setHost] = useParam("host");
  const [task, setTask] = useParam("task");
  const [selected, setSelected] = useParam("event");
  const [toggled, setToggled] = useState<ReadonlySet<string>>(new Set());
  const [isFollowing, setFollowing] = useState(isRunning);
  const list = useRef<WindowedHandle>(null);
  const now = useNow(isRunning);
  // the tree changes in place with its version.
  const rows = useMemo(() => rowsOf(tree, { show: show as Filter["show"], host, task }, toggled), [tree, version, show, host, task, toggled]);
  useEffect(() => {
    if (isFollowing && isRunning) list.current?.scrollTo(rows.length, "end");
  }, [rows.length, isFollowing, isRunning]);

  const toggle = (key: string) => {
    const next = new Set(toggled);
    if (!next.delete(key)) next.add(key);
    setToggled(next);
  };
  const scale = { from: tree.start ?? 0, to: Math.max(isRunning ? now : tree.end, (tree.start ?? 0) + 1) };
  return (
    <div className="tree-page">
      <div className="filters">
        <div className="choice" role="group" aria-label={t.tree.show}>
          {SHOWS.map((one) => (
            <button key={one} type="button" aria-pressed={show === one} onClick={() => setShow(one)}>
              {t.tree.shows[one]}
            </button>
          ))}
        </div>
        <label className="field-inline">
          <span>{t.tree.host}</span>
          <select value={host} onChange={(event) => setHost(event.target.value)}>
            <option value="">{t.tree.allHosts(tree.hosts.size)}</option>
            {[...tree.hosts].sort().map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <label className="search">
          <Icon name="search" />
          <span className="sr-only">{t.tree.task}</span>
          <input type="search" data-search placeholder={t.tree.task} value={task} onChange={(event) => setTask(event.target.value)} />
        </label>
        {isRunning && !isFollowing && (
          <Button icon="down" onClick={() => setFollowing(true)}>{t.tree.follow}</Button>
        )}
      </div>
      {rows.length === 0 ? (
        tree.tasks.length === 0 && !isComplete && !isRunning ? <Loading /> : <Empty title={tree.tasks.length === 0 ? t.tree.none : t.tree.noMatch} />
      ) : (
        <div className={selected === "" ? "tree-split" : "tree-split tree-split-open"}>
          <Windowed
            handle={list}
            className="tree"
            label={t.tree.label}
            count={rows.length}
            rowHeight={ROW_PX}
            onVisible={(_first, _last, isAtEnd) => isRunning && setFollowing(isAtEnd)}
            render={(index) => {
              const row = rows[index] as Row;
              return <TreeRow key={row.key} row={row} scale={scale} tree={tree} isSelected={row.kind === "host" && String(row.host.seq) === selected} onToggle={toggle} onSelect={setSelected} />;
            }}
          />
          {selected !== "" && <EventPanel job={job} seq={Number(selected)} onClose={() => setSelected(null)} />}
        </div>
      )}
    </div>
  );
}

interface Scale {
  from: number;
  to: number;
}

interface RowProps {
  row: Row;
  scale: Scale;
  tree: Tree;
  isSelected: boolean;
  onToggle: (key: string) => void;
  onSelect: (seq: string) => void;
}

function TreeRow({ row, scale, isSelected, onToggle, onSelect }: RowProps) {
  if (row.kind === "play") {
    return (
      <button type="button" className="tree-row tree-play" onClick={() => onToggle(row.key)}>
        <span className="tree-name">{t.tree.play} {row.name}</span>
      </button>
    );
  }
  if (row.kind === "task") {
    return (
      <button type="button" className="tree-row tree-task" aria-expanded={row.isOpen} onClick={() => onToggle(row.key)}>
        <Icon name={row.isOpen ? "down" : "right"} className="dim" />
        <StateIcon state={row.state} />
        <span className="tree-name">{row.task.name} <em>{row.task.action}</em></span>
        <Counts task={row.task} />
        <span className="tree-time">{duration((endOf(row.task, row.state, scale) - row.task.start) / 1000)}</span>
        <Bar scale={scale} start={row.task.start} end={endOf(row.task, row.state, scale)} state={row.state} />
      </button>
    );
  }
  const end = row.host.end ?? scale.to;
  return (
    <button type="button" className="tree-row tree-host" aria-pressed={isSelected} onClick={() => onSelect(String(row.host.seq))}>
      <StateIcon state={row.host.state} />
      <span className="tree-name">{row.host.host} {row.host.message !== null && <em className="bad">{row.host.message}</em>}</span>
      <span className="tree-time">{duration((end - row.host.start) / 1000)}</span>
      <Bar scale={scale} start={row.host.start} end={end} state={row.host.state} />
    </button>
  );
}

function endOf(task: TaskNode, state: HostState, scale: Scale): number {
  return state === "running" ? scale.to : task.end;
}

function Counts({ task }: { task: TaskNode }) {
  return (
    <span className="tree-counts">
      {COUNTED.filter((state) => (task.counts[state] ?? 0) > 0).map((state) => (
        <span key={state} className={`tally tally-${state}`} title={`${t.states[state]}: ${task.counts[state]}`}>
          {task.counts[state]} {t.states[state]}
        </span>
      ))}
    </span>
  );
}

/** A bar on the scale of the job. It is at least as wide as can be seen. */
function Bar({ scale, start, end, state }: { scale: Scale; start: number; end: number; state: string }) {
  const whole = scale.to - scale.from;
  const left = Math.max(0, ((start - scale.from) / whole) * 100);
  const width = Math.max(0.4, ((end - start) / whole) * 100);
  return (
    <span className="lane" aria-hidden="true">
      <span className={`bar bar-${state}`} style={{ left: `${Math.min(left, 99.6)}%`, width: `${Math.min(width, 100 - left)}%` }} />
    </span>
  );
}
