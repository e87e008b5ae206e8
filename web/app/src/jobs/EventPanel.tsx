/** One event of a job: what a task returned on a host. */
import { useQuery } from "@tanstack/react-query";
import { api, body } from "../api/client";
import { clock, duration } from "../lib/time";
import { t } from "../text";
import { Button, Copy, Facts, Loading, ProblemView } from "../ui/basics";
import { LogLine } from "./LogLine";

export function EventPanel({ job, seq, onClose }: { job: string; seq: number; onClose: () => void }) {
  const event = useQuery({
    queryKey: ["event", job, seq],
    queryFn: async () => {
      const page = await body(api.GET("/v1/jobs/{id}/events", { params: { path: { id: job }, query: { after: seq - 1, limit: 1 } } }));
      return (page as { items: import("../api/types").JobEvent[] }).items[0] ?? null;
    },
  });
  const shown = event.data;
  const output = shown?.data?.res ?? shown?.data;
  return (
    <aside className="panel" aria-label={t.event.title}>
      <div className="panel-head">
        <strong>{shown?.task ?? t.event.title}</strong>
        <Button kind="ghost" icon="cross" title={t.close} onClick={onClose} />
      </div>
      {event.isPending && <Loading />}
      {event.error !== null && <ProblemView error={event.error} />}
      {shown !== null && shown !== undefined && (
        <>
          <Facts
            facts={[
              [t.tree.host, shown.host],
              [t.event.action, String(shown.data?.resolved_action ?? shown.data?.task_action ?? "")],
              [t.event.path, String(shown.data?.task_path ?? "")],
              [t.event.time, clock(shown.time)],
              [t.event.took, typeof shown.data?.duration === "number" ? duration(shown.data.duration) : null],
            ]}
          />
          {shown.stdout !== null && (
            <pre className="code ansi">
              {shown.stdout.split("\n").map((line, index) => (
                // lines never move.
                <LogLine key={index} line={line} />
              ))}
            </pre>
          )}
          <div className="panel-head">
            <strong>{t.event.result}</strong>
            <Copy text={JSON.stringify(output, null, 2)} />
          </div>
          <pre className="code">{JSON.stringify(output, null, 2)}</pre>
        </>
      )}
    </aside>
  );
}
