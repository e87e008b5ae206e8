/** What a job amounted to: failures, the recap by host, and the values that it printed. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, body } from "../api/client";
import type { Job, Result } from "../api/types";
import { href } from "../lib/route";
import { t } from "../text";
import { Button, Copy, Empty, Loading, ProblemView } from "../ui/basics";
import { isFinished } from "./title";

const COLUMNS = ["ok", "changed", "unreachable", "failed", "skipped", "rescued", "ignored"] as const;

export function ResultView({ job }: { job: Job }) {
  const isDone = isFinished(job.state);
  const result = useQuery({
    queryKey: ["job", job.id, "result", job.attempt],
    queryFn: () => body(api.GET("/v1/jobs/{id}/result", { params: { path: { id: job.id } } })) as Promise<Result>,
    enabled: isDone,
  });
  const [isJson, setJson] = useState(false);
  if (!isDone) return <Empty title={t.result.later} />;
  if (result.error !== null) return <ProblemView error={result.error} />;
  if (result.data === undefined) return <Loading />;
  const data = result.data;
  if (isJson) {
    return (
      <>
        <Bar isJson onChange={setJson} data={data} />
        <pre className="code">{JSON.stringify(data, null, 2)}</pre>
      </>
    );
  }
  const values = Object.entries(data.results);
  const stats = Object.entries(data.stats).sort(([one], [other]) => one.localeCompare(other));
  return (
    <>
      <Bar isJson={false} onChange={setJson} data={data} />
      {data.failures.length > 0 && (
        <section aria-labelledby="failures">
          <h2 id="failures">{t.result.failures} <span className="count">{data.failures.length + data.failures_omitted}</span></h2>
          <ul className="failures">
            {data.failures.map((failure, index) => (
              // failures can be the same twice.
              <li key={index}>
                <strong>{failure.host}</strong> <span>{failure.task ?? failure.play}</span>
                {failure.item !== null && <span className="kind">{failure.item}</span>}
                <pre>{failure.message}</pre>
              </li>
            ))}
          </ul>
        </section>
      )}
      {stats.length > 0 && (
        <section aria-labelledby="recap">
          <h2 id="recap">{t.result.recap} <span className="count">{stats.length}</span></h2>
          <div className="scroll">
            <table className="table recap">
              <thead>
                <tr>
                  <th scope="col">{t.tree.host}</th>
                  {COLUMNS.map((column) => (
                    <th key={column} scope="col" className="number">{t.states[column]}</th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {stats.map(([host, counts]) => (
                  <tr key={host}>
                    <th scope="row">
                      <a href={href(["jobs", job.id], { tab: "tasks", host })}>{host}</a>
                    </th>
                    {COLUMNS.map((column) => (
                      <td key={column} className={`number ${counts[column] > 0 ? `tally-${column}` : "dim"}`}>{counts[column]}</td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </section>
      )}
      {values.length > 0 && (
        <section aria-labelledby="values">
          <h2 id="values">{t.result.values} <span className="count">{values.length}</span></h2>
          {values.map(([name, found]) => (
            <div key={name} className="value">
              <strong><code>{name}</code></strong>
              <Values values={found as unknown[]} />
            </div>
          ))}
        </section>
      )}
      {stats.length === 0 && values.length === 0 && data.failures.length === 0 && <Empty title={t.result.none} />}
    </>
  );
}

function Bar({ isJson, onChange, data }: { isJson: boolean; onChange: (isJson: boolean) => void; data: Result }) {
  return (
    <div className="filters">
      <Button isPressed={isJson} onClick={() => onChange(!isJson)}>{t.result.json}</Button>
      <Copy text={JSON.stringify(data, null, 2)} label={t.result.copy} />
    </div>
  );
}

type Fields = Record<string, unknown>;

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A table, if all values are objects; otherwise a list. */
function Values({ values }: { values: unknown[] }) {
  if (values.length === 0 || !values.every(isFields)) return <pre className="code">{values.map((value) => show(value)).join("\n")}</pre>;
  const columns = [...new Set((values as Fields[]).flatMap((value) => Object.keys(value)))];
  return (
    <div className="scroll">
      <table className="table">
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col">{column}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {(values as Fields[]).map((value, index) => (
            // values have no name.
            <tr key={index}>
              {columns.map((column) => (
                <td key={column}>{show(value[column])}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function show(value: unknown): string {
  return typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value);
}
