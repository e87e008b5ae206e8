/** The service itself: checks, background tasks, and its documents. */
import { useQuery } from "@tanstack/react-query";
import { api, body, raw } from "../api/client";
import { asProblem } from "../api/problem";
import { useCaller } from "../caller";
import { addressOf } from "../lib/base";
import { ago, duration, useNow } from "../lib/time";
import { t } from "../text";
import { Button, Facts, Header, Loading, ProblemView } from "../ui/basics";
import { State, StateIcon } from "../ui/State";

interface Readiness {
  status: "ready" | "not_ready";
  checks?: { name: string; status: string; detail: string; hint: string | null }[];
}

/** A service that isn't ready returns 503 with the same body. */
async function readiness(): Promise<Readiness> {
  const response = await fetch(addressOf("/readyz")).catch((error) => Promise.reject(asProblem(error)));
  return response.status === 503 || response.ok ? ((await response.json()) as Readiness) : ((await (await raw("/readyz")).json()) as Readiness);
}

export default function SystemPage() {
  const ready = useQuery({ queryKey: ["ready"], queryFn: readiness });
  const tasks = useQuery({ queryKey: ["background"], queryFn: () => body(api.GET("/v1/background-tasks")) });
  const caller = useCaller();
  const now = useNow();
  return (
    <>
      <Header title={t.nav.system} actions={<Button onClick={() => (void ready.refetch(), void tasks.refetch())}>{t.system.again}</Button>}>
        {ready.data !== undefined && <State state={ready.data.status} label={t.system.status[ready.data.status]} />}
      </Header>
      <Facts
        facts={[
          [t.system.version, caller.data?.version ?? null],
          [t.system.caller, caller.data === undefined ? null : `${caller.data.name ?? t.anonymous} (${caller.data.role})`],
          [t.system.documents, <span key="documents" className="links"><a href="./docs/swagger">Swagger UI</a> <a href="./docs/redoc">ReDoc</a> <a href="./docs/openapi.json">OpenAPI</a></span>],
        ]}
      />
      {ready.error !== null && <ProblemView error={ready.error} />}
      <section aria-labelledby="checks">
        <h2 id="checks">{t.system.checks}</h2>
        {ready.isPending && <Loading />}
        <table className="table">
          <tbody>
            {(ready.data?.checks ?? []).map((check) => (
              <tr key={check.name}>
                <td className="icon-cell"><StateIcon state={check.status} /></td>
                <th scope="row">{check.name}</th>
                <td className="dim">{check.detail}{check.hint !== null && <p className="hint">{check.hint}</p>}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <section aria-labelledby="background">
        <h2 id="background">{t.system.background}</h2>
        {tasks.error !== null && <ProblemView error={tasks.error} />}
        <div className="scroll">
          <table className="table">
            <thead>
              <tr>
                <th scope="col"><span className="sr-only">{t.jobs.state}</span></th>
                <th scope="col">{t.system.task}</th>
                <th scope="col" className="number">{t.system.period}</th>
                <th scope="col" className="number">{t.system.activations}</th>
                <th scope="col" className="number">{t.system.failures}</th>
                <th scope="col">{t.system.last}</th>
              </tr>
            </thead>
            <tbody>
              {(tasks.data?.items ?? []).map((task) => (
                <tr key={task.name}>
                  <td className="icon-cell"><StateIcon state={task.last?.error ? "fail" : task.running_since === null ? "ok" : "running"} /></td>
                  <td><strong>{task.name.replaceAll("_", " ")}</strong> <span className="dim">{task.summary}</span></td>
                  <td className="number dim">{duration(task.period_s)}</td>
                  <td className="number">{task.activations}</td>
                  <td className={`number ${task.failures > 0 ? "bad" : "dim"}`}>{task.failures}</td>
                  <td className="dim">{task.last === null ? t.none : (task.last.error ?? `${ago(task.last.started_at, now)}, ${duration(task.last.duration_s)}`)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </section>
    </>
  );
}
