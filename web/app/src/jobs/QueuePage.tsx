/** What runs, what waits, and why. */
import { useQuery } from "@tanstack/react-query";
import { api, body } from "../api/client";
import type { Queue } from "../api/types";
import { duration, secondsBetween, useNow } from "../lib/time";
import { t } from "../text";
import { Empty, Header, Link, Loading, ProblemView } from "../ui/basics";
import { State } from "../ui/State";
import { titleOf } from "./title";

export function QueuePage() {
  const queue = useQuery({ queryKey: ["queue"], queryFn: () => body(api.GET("/v1/queue", { params: { query: { limit: 500 } } })) });
  const now = useNow();
  if (queue.error !== null) return <ProblemView error={queue.error} />;
  if (queue.data === undefined) return <Loading />;
  const { running, queued, owner_locks: locks, capacity } = queue.data;
  return (
    <>
      <Header title={t.nav.queue}>
        <p className="slots" aria-label={t.queue.capacity(capacity.running, capacity.max)}>
          {Array.from({ length: Math.min(capacity.max, 64) }, (_, slot) => (
            // slots have no other name.
            <span key={slot} className={slot < capacity.running ? "slot slot-taken" : "slot"} aria-hidden="true" />
          ))}
          <span className="dim">{t.queue.capacity(capacity.running, capacity.max)}</span>
        </p>
      </Header>
      <section aria-labelledby="queue-running">
        <h2 id="queue-running">{t.queue.running} <span className="count">{running.length}</span></h2>
        {running.length === 0 ? (
          <Empty title={t.queue.noneRunning} />
        ) : (
          <table className="table">
            <tbody>
              {running.map((job) => (
                <tr key={job.id}>
                  <td className="state-cell"><State state={job.state} /></td>
                  <td className="main-cell">
                    <Link to={["jobs", job.id]} className="row-link"><strong>{titleOf(job.request).name}</strong></Link>
                    <span className="kind">{titleOf(job.request).kind}</span>
                  </td>
                  <td className="dim hide-narrow">{t.queue.node(job.node)}</td>
                  <td className="number">{job.started_at !== null && duration(secondsBetween(job.started_at, now))}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </section>
      <section aria-labelledby="queue-queued">
        <h2 id="queue-queued">{t.queue.waiting} <span className="count">{queued.length}</span></h2>
        {queued.length === 0 ? (
          <Empty title={t.queue.noneWaiting} />
        ) : (
          <ol className="queue-list">
            {queued.map((job) => (
              <li key={job.id}>
                <span className="position">{job.waiting.position + 1}</span>
                <div>
                  <Link to={["jobs", job.id]} className="row-link"><strong>{titleOf(job).name}</strong></Link>
                  <span className="kind">{titleOf(job).kind}</span>
                  {job.priority !== 0 && <span className="kind">{t.queue.priority(job.priority)}</span>}
                  <Why waiting={job.waiting} />
                </div>
                <span className="number dim">{duration(secondsBetween(job.queued_at, now))}</span>
              </li>
            ))}
          </ol>
        )}
      </section>
      {locks.length > 0 && (
        <section aria-labelledby="queue-locks">
          <h2 id="queue-locks">{t.queue.locks} <span className="count">{locks.length}</span></h2>
          <table className="table">
            <tbody>
              {locks.map((lock) => (
                <tr key={`${lock.owner} ${lock.resource}`}>
                  <td><code>{lock.resource}</code></td>
                  <td>{lock.owner}</td>
                  <td className="dim">{lock.mode}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </>
  );
}

/** Why a job waits. */
export function Why({ waiting }: { waiting: Queue["queued"][number]["waiting"] }) {
  if (waiting.blockers.length === 0) {
    return <p className="why dim">{waiting.position === 0 ? t.queue.waitsForSlot : t.queue.waitsBehind(waiting.position)}</p>;
  }
  return (
    <ul className="why dim">
      {waiting.blockers.map((blocker) => (
        <li key={`${blocker.resource} ${blocker.job ?? blocker.owner}`}>
          <code>{blocker.resource}</code> {blocker.holds ? t.queue.heldBy : t.queue.wantedBefore}{" "}
          {blocker.job === null ? <code>{blocker.owner}</code> : <Link to={["jobs", blocker.job]}>{blocker.job.slice(-12)}</Link>}
        </li>
      ))}
    </ul>
  );
}
