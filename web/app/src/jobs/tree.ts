/** The plays, tasks, and hosts of a job, from its events. */
import type { JobEvent } from "../api/types";

export type HostState = "running" | "ok" | "changed" | "skipped" | "failed" | "ignored" | "rescued" | "unreachable";

export interface HostNode {
  host: string;
  state: HostState;
  /** The number of the event with the result. */
  seq: number;
  start: number;
  end: number | null;
  /** The first line of the message of a failure. */
  message: string | null;
}

export interface TaskNode {
  key: string;
  play: string;
  name: string;
  action: string;
  start: number;
  end: number;
  hosts: Map<string, HostNode>;
  counts: Partial<Record<HostState, number>>;
}

export interface Tree {
  tasks: TaskNode[];
  /** Tasks by play and name: the last one with this name. */
  open: Map<string, TaskNode>;
  hosts: Set<string>;
  start: number | null;
  end: number;
  attempt: number;
  /** The number of the last event. */
  seq: number;
}

export function emptyTree(): Tree {
  return { tasks: [], open: new Map(), hosts: new Set(), start: null, end: 0, attempt: 1, seq: 0 };
}

const RESULTS: Record<string, HostState> = {
  runner_on_ok: "ok",
  runner_on_skipped: "skipped",
  runner_on_failed: "failed",
  runner_on_unreachable: "unreachable",
};

/** Adds an event to the tree, in place. */
export function add(tree: Tree, event: JobEvent): void {
  const time = Date.parse(event.time);
  tree.seq = event.seq;
  tree.end = Math.max(tree.end, time);
  if (event.kind === "job_state") {
    // A new attempt begins with an empty tree.
    if (event.data?.to === "queued" && event.data?.from !== null) {
      Object.assign(tree, emptyTree(), { attempt: tree.attempt + 1, seq: event.seq, end: time });
    } else if (event.data?.to === "running") tree.start = time;
    return;
  }
  if (event.task === null || event.play === null) return;
  const isStart = event.kind === "playbook_on_task_start" || event.kind === "playbook_on_handler_task_start";
  if (isStart) return void begin(tree, event, time);
  const result = RESULTS[event.kind];
  if (event.host === null || (result === undefined && event.kind !== "runner_on_start")) return;
  const task = tree.open.get(keyOf(event)) ?? begin(tree, event, time);
  tree.hosts.add(event.host);
  const known = task.hosts.get(event.host);
  const data = event.data ?? {};
  const state = result === undefined ? "running" : stateOf(result, data);
  if (known !== undefined) task.counts[known.state] = (task.counts[known.state] ?? 1) - 1;
  task.counts[state] = (task.counts[state] ?? 0) + 1;
  const spent = typeof data.duration === "number" ? data.duration * 1000 : 0;
  task.hosts.set(event.host, {
    host: event.host,
    state,
    seq: event.seq,
    start: known?.start ?? time - spent,
    end: result === undefined ? null : time,
    message: state === "failed" || state === "unreachable" || state === "ignored" ? messageOf(data) : null,
  });
  task.end = Math.max(task.end, time);
}

function keyOf(event: JobEvent): string {
  return `${event.play}\u0000${event.task}`;
}

function begin(tree: Tree, event: JobEvent, time: number): TaskNode {
  const task: TaskNode = {
    key: `${event.seq}`,
    play: event.play ?? "",
    name: event.task ?? "",
    action: String(event.data?.task_action ?? ""),
    start: time,
    end: time,
    hosts: new Map(),
    counts: {},
  };
  tree.tasks.push(task);
  tree.open.set(keyOf(event), task);
  tree.start ??= time;
  return task;
}

function stateOf(result: HostState, data: Record<string, unknown>): HostState {
  if (result === "failed" || result === "unreachable") {
    const counted = data.counted_as;
    return counted === "ignored" || counted === "rescued" || counted === "unreachable" ? counted : result;
  }
  const output = data.res as { changed?: unknown } | undefined;
  return result === "ok" && output?.changed === true ? "changed" : result;
}

function messageOf(data: Record<string, unknown>): string | null {
  const output = data.res as { msg?: unknown } | undefined;
  return typeof output?.msg === "string" ? (output.msg.split("\n", 1)[0] ?? null) : null;
}

export interface Filter {
  show: "all" | "failed" | "changed";
  host: string;
  task: string;
}

export type Row =
  | { kind: "play"; key: string; name: string; tasks: number }
  | { kind: "task"; key: string; task: TaskNode; isOpen: boolean; state: HostState }
  | { kind: "host"; key: string; task: TaskNode; host: HostNode };

const WORST: HostState[] = ["failed", "unreachable", "running", "ignored", "rescued", "changed", "ok", "skipped"];

/** The state of a task: that of the host which matters most. */
export function worst(task: TaskNode): HostState {
  return WORST.find((state) => (task.counts[state] ?? 0) > 0) ?? "running";
}

function isWanted(state: HostState, show: Filter["show"]): boolean {
  if (show === "failed") return state === "failed" || state === "unreachable" || state === "ignored" || state === "rescued";
  return show === "all" || state === "changed";
}

/** The visible rows. Tasks with failures are open, unless the user has closed them. */
export function rowsOf(tree: Tree, filter: Filter, toggled: ReadonlySet<string>): Row[] {
  const rows: Row[] = [];
  const wantedTask = filter.task.toLowerCase();
  let play: { key: string; name: string; row: Extract<Row, { kind: "play" }> } | null = null;
  for (const task of tree.tasks) {
    if (!task.name.toLowerCase().includes(wantedTask)) continue;
    const isNarrow = filter.show !== "all" || filter.host !== "";
    const hosts = isNarrow
      ? [...task.hosts.values()].filter((host) => isWanted(host.state, filter.show) && (filter.host === "" || host.host === filter.host))
      : [...task.hosts.values()];
    if (isNarrow && hosts.length === 0) continue;
    if (play === null || play.name !== task.play) {
      const row = { kind: "play" as const, key: `play ${task.key}`, name: task.play, tasks: 0 };
      play = { key: row.key, name: task.play, row };
      rows.push(row);
    }
    play.row.tasks += 1;
    if (toggled.has(play.key)) continue;
    const state = worst(task);
    const isOpen = (state === "failed" || state === "unreachable" || filter.show !== "all") !== toggled.has(task.key);
    rows.push({ kind: "task", key: task.key, task, isOpen, state });
    if (isOpen) for (const host of hosts) rows.push({ kind: "host", key: `${task.key} ${host.host}`, task, host });
  }
  return rows;
}
