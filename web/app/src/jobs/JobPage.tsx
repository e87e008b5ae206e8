/** One job: its state, its progress, and everything that it has left. */
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense } from "react";
import { api, body } from "../api/client";
import type { Job } from "../api/types";
import { useParam } from "../lib/route";
import { ago, clock, duration, secondsBetween, useNow } from "../lib/time";
import { t } from "../text";
import { Copy, Facts, Header, Link, Loading, ProblemView, Tabs } from "../ui/basics";
import { State } from "../ui/State";
import { Actions } from "./Actions";
import { DetailsView } from "./DetailsView";
import { LogView } from "./LogView";
import { Why } from "./QueuePage";
import { ResultView } from "./ResultView";
import { inventoryOf, isFinished, titleOf } from "./title";
import { TreeView } from "./TreeView";

const JobPlan = lazy(async () => ({ default: (await import("../pages")).JobPlan }));

export function JobPage({ id }: { id: string }) {
  const job = useQuery({ queryKey: ["job", id], queryFn: () => body(api.GET("/v1/jobs/{id}", { params: { path: { id } } })) as Promise<Job> });
  const isOfRange = job.data?.request.range !== undefined;
  const [tab, setTab] = useParam("tab", isOfRange ? "plan" : "tasks");
  if (job.data === undefined) return job.error === null ? <Loading /> : <ProblemView error={job.error} />;
  const data = job.data;
  const isRunning = !isFinished(data.state);
  const tabs = [
    ...(isOfRange ? [{ id: "plan", label: t.job.tabs.plan }] : []),
    { id: "tasks", label: t.job.tabs.tasks },
    { id: "log", label: t.job.tabs.log },
    { id: "result", label: t.job.tabs.result, count: data.failures.length || undefined },
    { id: "details", label: t.job.tabs.details, count: data.warnings?.length || undefined },
  ];
  return (
    <>
      <JobHeader job={data} />
      <Tabs label={t.job.tabs.label} tabs={tabs} current={tab} onSelect={setTab} />
      <div role="tabpanel" aria-label={tabs.find((one) => one.id === tab)?.label} className="tab-panel">
        {tab === "plan" && isOfRange && (
          <Suspense fallback={<Loading />}>
            <JobPlan job={data} />
          </Suspense>
        )}
        {tab === "tasks" && <TreeView job={id} attempt={data.attempt} isRunning={isRunning} />}
        {tab === "log" && <LogView key={data.attempt} job={id} attempt={data.attempt} isRunning={isRunning} />}
        {tab === "result" && <ResultView job={data} />}
        {tab === "details" && <DetailsView job={data} />}
      </div>
    </>
  );
}

function JobHeader({ job }: { job: Job }) {
  const title = titleOf(job.request);
  const isRunning = !isFinished(job.state);
  const now = useNow(isRunning);
  const [message = "", ...hints] = job.reason.message.split("\nhint: ");
  return (
    <>
      <Header title={title.name} actions={<Actions job={job} />}>
        <State state={job.state} />
        <span className="kind">{title.kind}</span>
        {job.request.check && <span className="kind">check</span>}
        {job.request.range !== undefined && <Link to={["ranges", job.request.range]}>{t.job.openRange}</Link>}
      </Header>
      {!["running", "succeeded", "waiting"].includes(job.reason.code) && (
        <div className={`reason reason-${job.state}`}>
          <p>{message} <code className="dim">{job.reason.code}</code></p>
          {hints.map((hint) => (
            <p key={hint} className="hint">{hint}</p>
          ))}
          {job.reason.last_lines.length > 0 && (
            <details>
              <summary>{t.job.lastLines}</summary>
              <pre className="code">{job.reason.last_lines.join("\n")}</pre>
            </details>
          )}
        </div>
      )}
      {job.waiting !== undefined && (
        <div className="reason">
          <Why waiting={job.waiting} />
        </div>
      )}
      {isRunning && job.state !== "queued" && <Progress job={job} now={now} />}
      <Facts
        facts={[
          [t.job.on, inventoryOf(job.request) + (job.request.limit === undefined ? "" : ` : ${job.request.limit}`)],
          [t.jobs.by, job.submitted_by.name ?? t.actors[job.submitted_by.kind]],
          [t.jobs.created, <span key="created" title={job.created_at}>{clock(job.created_at)} ({ago(job.created_at, now)})</span>],
          [t.jobs.took, job.started_at === null ? null : duration(secondsBetween(job.started_at, job.finished_at ?? now))],
          [t.job.attemptName, job.attempt > 1 ? job.attempt : null],
          [t.job.rc, job.rc],
          [t.job.isolation, job.isolation],
          [t.job.id, <Copy key="id" text={job.id} label={job.id} />],
        ]}
      />
    </>
  );
}

function Progress({ job, now }: { job: Job; now: number }) {
  const { percent = null, eta_s: eta = null, tasks_done: done = 0, tasks_total: total = null } = job.progress ?? {};
  return (
    <div className="progress">
      <div className="progress-track" role="progressbar" aria-label={t.job.progress} aria-valuemin={0} aria-valuemax={100} aria-valuenow={percent ?? undefined}>
        <div className={percent === null ? "progress-bar progress-unknown" : "progress-bar"} style={percent === null ? undefined : { width: `${percent}%` }} />
      </div>
      <p className="dim">
        {percent !== null && <strong>{percent} %</strong>} {t.job.tasks(done, total)}
        {eta !== null && ` · ${t.job.eta(duration(eta))}`}
        {job.started_at !== null && ` · ${t.job.running(duration(secondsBetween(job.started_at, now)))}`}
      </p>
    </div>
  );
}
