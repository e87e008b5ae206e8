/** All jobs, newest first, with filters in the address. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { api, body } from "../api/client";
import type { JobState, JobSummary } from "../api/types";
import { useCan } from "../caller";
import { useParam } from "../lib/route";
import { ago, clock, duration, secondsBetween, useNow } from "../lib/time";
import { t } from "../text";
import { Button, Empty, Header, Link, Loading, ProblemView, Search } from "../ui/basics";
import { State } from "../ui/State";
import { inventoryOf, isFinished, titleOf } from "./title";

const PAGE = 60;
const STATES: JobState[] = ["queued", "running", "succeeded", "failed", "canceled", "timed_out", "lost"];
const KINDS = ["playbook", "bundle", "scenario"] as const;

export function JobsPage() {
  const canRun = useCan("operator");
  const [state, setState] = useParam("state");
  const [kind, setKind] = useParam("kind");
  const [label, setLabel] = useParam("label");
  const [text, setText] = useParam("q");
  const jobs = useInfiniteQuery({
    queryKey: ["jobs", { state, kind, label }],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) =>
      body(
        api.GET("/v1/jobs", {
          params: {
            query: {
              limit: PAGE,
              before: pageParam,
              state: (state || undefined) as JobState | undefined,
              kind: (kind || undefined) as (typeof KINDS)[number] | undefined,
              label: label || undefined,
            },
          },
        }),
      ),
    getNextPageParam: (page) => page.next ?? undefined,
  });
  const all = jobs.data?.pages.flatMap((page) => page.items) ?? [];
  const shown = all.filter((job) => matches(job, text));
  const now = useNow(shown.some((job) => !isFinished(job.state)));
  return (
    <>
      <Header title={t.nav.jobs} actions={canRun && <a className="button button-primary" href="#/run">{t.jobs.run}</a>} />
      <div className="filters">
        <Search value={text} onChange={setText} label={t.jobs.search} />
        <Choice label={t.jobs.state} value={state} values={STATES} onChange={setState} />
        <label className="field-inline">
          <span className="sr-only">{t.jobs.kind}</span>
          <select value={kind} onChange={(event) => setKind(event.target.value)}>
            <option value="">{t.jobs.any(t.jobs.kind)}</option>
            {KINDS.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        {label !== "" && (
          <button type="button" className="chip" onClick={() => setLabel(null)} title={t.jobs.clearLabel}>
            {label} ×
          </button>
        )}
      </div>
      {jobs.error !== null && <ProblemView error={jobs.error} />}
      {jobs.isPending && <Loading />}
      {jobs.data !== undefined && shown.length === 0 && (
        <Empty title={all.length === 0 && state + kind + label === "" ? t.jobs.none : t.jobs.noMatch} />
      )}
      {shown.length > 0 && (
        <table className="table jobs-table">
          <thead>
            <tr>
              <th scope="col">{t.jobs.state}</th>
              <th scope="col">{t.jobs.content}</th>
              <th scope="col">{t.jobs.on}</th>
              <th scope="col" className="hide-narrow">{t.jobs.by}</th>
              <th scope="col">{t.jobs.created}</th>
              <th scope="col" className="number">{t.jobs.took}</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((job) => (
              <Row key={job.id} job={job} now={now} onLabel={setLabel} />
            ))}
          </tbody>
        </table>
      )}
      {jobs.hasNextPage && (
        <div className="more">
          <Button onClick={() => void jobs.fetchNextPage()} isDisabled={jobs.isFetchingNextPage}>{t.jobs.more}</Button>
        </div>
      )}
    </>
  );
}

function matches(job: JobSummary, text: string): boolean {
  const all = `${titleOf(job.request).name} ${inventoryOf(job.request)} ${job.request.limit ?? ""} ${job.id} ${job.submitted_by.name ?? ""} ${job.reason.message} ${JSON.stringify(job.request.labels ?? {})}`.toLowerCase();
  return text.toLowerCase().split(/\s+/).every((word) => all.includes(word));
}

function Choice({ label, value, values, onChange }: { label: string; value: string; values: readonly string[]; onChange: (value: string) => void }) {
  return (
    <div className="choice" role="group" aria-label={label}>
      {["", ...values].map((one) => (
        <button key={one} type="button" aria-pressed={one === value} onClick={() => onChange(one)}>
          {one === "" ? t.jobs.any(label) : ((t.states as Record<string, string>)[one] ?? one)}
        </button>
      ))}
    </div>
  );
}

function Row({ job, now, onLabel }: { job: JobSummary; now: number; onLabel: (label: string) => void }) {
  const title = titleOf(job.request);
  const took = job.started_at === null ? null : secondsBetween(job.started_at, job.finished_at ?? now);
  const reason = ["failed", "lost", "timed_out"].includes(job.state) ? job.reason.message : null;
  return (
    <tr>
      <td><State state={job.state} /></td>
      <td className="main-cell">
        <Link to={["jobs", job.id]} className="row-link">
          <strong>{title.name}</strong>
        </Link>
        <span className="kind">{title.kind}</span>
        {job.attempt > 1 && <span className="kind">{t.job.attempt(job.attempt)}</span>}
        {job.request.check && <span className="kind">check</span>}
        {Object.entries(job.request.labels ?? {}).map(([key, value]) => (
          <button key={key} type="button" className="chip" onClick={() => onLabel(`${key}=${value}`)}>
            {key}={value}
          </button>
        ))}
        {reason !== null && <span className="row-reason" title={reason}>{reason}</span>}
      </td>
      <td className="dim">
        {inventoryOf(job.request)}
        {job.request.limit !== undefined && <> : {job.request.limit}</>}
      </td>
      <td className="dim hide-narrow">{job.submitted_by.name ?? t.actors[job.submitted_by.kind]}</td>
      <td className="dim" title={clock(job.created_at)}>{ago(job.created_at, now)}</td>
      <td className="number">{took === null ? "–" : duration(took)}</td>
    </tr>
  );
}
