/** The output of a job. Only visible lines exist, so that it stays smooth at any length. */
import { useCallback, useEffect, useRef, useState } from "react";
import { addressOf } from "../lib/base";
import { raw } from "../api/client";
import { useParam } from "../lib/route";
import { together } from "../live";
import { t } from "../text";
import { Button, Empty, ProblemView } from "../ui/basics";
import { Icon } from "../ui/Icon";
import { Windowed, type WindowedHandle } from "../ui/Windowed";
import { LogLine } from "./LogLine";
import { LogLines } from "./logLines";

const ROW_PX = 18;
const FOUND_MAX = 10_000;

export function LogView({ job, attempt, isRunning }: { job: string; attempt: number; isRunning: boolean }) {
  const [, setVersion] = useState(0);
  const lines = useRef<LogLines | null>(null);
  const list = useRef<WindowedHandle>(null);
  const [isFollowing, setFollowing] = useState(isRunning);
  const [line, setLine] = useParam("line");
  const [query, setQuery] = useParam("find");
  const [found, setFound] = useState<number[] | null>(null);
  const [at, setAt] = useState(0);
  const [error, setError] = useState<unknown>(null);

  // a new attempt has more lines to follow.
  useEffect(() => {
    const draw = together<true>(() => setVersion((version) => version + 1), 60);
    const log = new LogLines(`/v1/jobs/${job}/log`, () => draw(true));
    lines.current = log;
    log.start(isRunning).catch((error) => error.name !== "AbortError" && setError(error));
    return () => log.stop();
  }, [job, attempt]);

  const count = lines.current?.count ?? 0;
  const isLive = lines.current?.isLive ?? false;
  // A link to a line shows it once it exists.
  const shownLink = useRef("");
  useEffect(() => {
    const row = Number(line) - 1;
    if (line !== "" && line !== shownLink.current && row < count) {
      shownLink.current = line;
      setFollowing(false);
      list.current?.scrollTo(row);
    } else if (isFollowing && line === "") list.current?.scrollTo(count, "end");
  }, [count, isFollowing, line]);

  useEffect(() => {
    setFound(null);
    if (query.length < 2) return;
    const abort = new AbortController();
    const timer = setTimeout(() => {
      lines.current?.search(query, abort.signal, FOUND_MAX).then(
        (rows) => (setFound(rows), setAt(0), rows[0] !== undefined && list.current?.scrollTo(rows[0])),
        () => undefined,
      );
    }, 300);
    return () => (clearTimeout(timer), abort.abort());
  }, [query]);

  const step = useCallback(
    (by: number) => {
      if (found === null || found.length === 0) return;
      const next = (at + by + found.length) % found.length;
      setAt(next);
      setFollowing(false);
      list.current?.scrollTo(found[next] as number);
    },
    [at, found],
  );

  const download = async () => {
    const url = URL.createObjectURL(await (await raw(`/v1/jobs/${job}/log`)).blob());
    Object.assign(document.createElement("a"), { href: url, download: `${job}.log` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  };

  if (error !== null) return <ProblemView error={error} />;
  const matches = new Set(found ?? []);
  return (
    <div className="log-page">
      <div className="filters">
        <label className="search">
          <Icon name="search" />
          <span className="sr-only">{t.log.search}</span>
          <input
            type="search"
            data-search
            placeholder={t.log.search}
            value={query}
            onChange={(event) => setQuery(event.target.value)}
            onKeyDown={(event) => event.key === "Enter" && (event.preventDefault(), step(event.shiftKey ? -1 : 1))}
          />
        </label>
        {found !== null && <span className="dim" role="status">{found.length === 0 ? t.log.noMatch : t.log.match(at + 1, found.length)}</span>}
        <span className="spacer" />
        <span className="dim">{t.log.lines(count)}</span>
        {isLive && !isFollowing && (
          <Button icon="down" onClick={() => (setLine(null), setFollowing(true), list.current?.scrollTo(count, "end"))}>{t.log.live}</Button>
        )}
        <Button icon="download" onClick={() => void download()}>{t.log.download}</Button>
      </div>
      {count === 0 ? (
        <Empty title={isLive ? t.log.waiting : t.log.none} />
      ) : (
        <Windowed
          handle={list}
          className="log ansi"
          label={t.log.label}
          count={count}
          rowHeight={ROW_PX}
          onVisible={(_first, _last, isAtEnd) => isLive && line === "" && setFollowing(isAtEnd)}
          render={(row) => {
            const text = lines.current?.line(row) ?? "";
            const isCurrent = found?.[at] === row;
            return (
              <div key={row} className={`log-row${line === String(row + 1) ? " log-linked" : ""}${isCurrent ? " log-current" : ""}`}>
                <a className="log-number" href={addressOf("")} tabIndex={-1} aria-label={t.log.line(row + 1)} onClick={(event) => (event.preventDefault(), setLine(String(row + 1)))}>
                  {row + 1}
                </a>
                <LogLine line={text} mark={matches.has(row) ? query : undefined} />
              </div>
            );
          }}
        />
      )}
    </div>
  );
}
