/** What can be done with a job: cancel, retry, resume with its preview, and run with changes. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, body } from "../api/client";
import type { Job, ResumePreview } from "../api/types";
import { useCan } from "../caller";
import { href, navigate } from "../lib/route";
import { keepRequest } from "../run/request";
import { t } from "../text";
import { Button, Facts, ProblemView } from "../ui/basics";
import { Dialog } from "../ui/Dialog";
import { isFinished, titleOf } from "./title";

export function Actions({ job }: { job: Job }) {
  const canRun = useCan("operator");
  const queries = useQueryClient();
  const [preview, setPreview] = useState<ResumePreview | null>(null);
  const params = { path: { id: job.id } };
  const refresh = () => void queries.invalidateQueries({ queryKey: ["job", job.id] });
  const cancel = useMutation({ mutationFn: () => body(api.POST("/v1/jobs/{id}/cancel", { params })), onSettled: refresh });
  const retry = useMutation({ mutationFn: () => body(api.POST("/v1/jobs/{id}/retry", { params })), onSettled: refresh });
  const look = useMutation({
    mutationFn: () => body(api.POST("/v1/jobs/{id}/resume", { params: { ...params, query: { dry_run: true } } })),
    onSuccess: (found) => setPreview(found as ResumePreview),
  });
  const resume = useMutation({
    mutationFn: () => body(api.POST("/v1/jobs/{id}/resume", { params })),
    onSuccess: () => setPreview(null),
    onSettled: refresh,
  });
  if (!canRun) return null;
  const isOfRange = job.request.range !== undefined;
  const rerun = () => {
    keepRequest(job.request);
    const { kind, name } = titleOf(job.request);
    navigate(href(["run", kind, ...name.split("/")], { from: job.id }));
  };
  const failure = cancel.error ?? retry.error ?? look.error;
  return (
    <>
      {!isFinished(job.state) && (
        <Button kind="danger" icon="stop" onClick={() => cancel.mutate()} isDisabled={cancel.isPending || job.state === "canceling"}>{t.job.cancel}</Button>
      )}
      {isFinished(job.state) && job.state !== "succeeded" && !isOfRange && (
        <Button icon="right" onClick={() => look.mutate()} isDisabled={look.isPending}>{t.job.resume}</Button>
      )}
      {isFinished(job.state) && !isOfRange && (
        <>
          <Button icon="undo" onClick={() => retry.mutate()} isDisabled={retry.isPending}>{t.job.retry}</Button>
          <Button icon="run" onClick={rerun}>{t.job.rerun}</Button>
        </>
      )}
      {failure !== null && (
        <Dialog title={t.job.notDone} onClose={() => (cancel.reset(), retry.reset(), look.reset())}>
          <ProblemView error={failure} />
        </Dialog>
      )}
      {preview !== null && (
        <Dialog title={t.job.resumeTitle} onClose={() => setPreview(null)}>
          <Facts
            facts={[
              [t.job.startsAt, preview.start_at_task ?? t.job.fromStart],
              [t.job.onHosts, preview.hosts.length === 0 ? t.job.allHosts : preview.hosts.join(", ")],
            ]}
          />
          {preview.tasks.map((play) => (
            <div key={play.play} className="preview-play">
              <strong>{play.play}</strong>
              <ul>
                {play.tasks.map((task, index) => (
                  // tasks can have the same name.
                  <li key={index}>{task}</li>
                ))}
              </ul>
            </div>
          ))}
          {preview.notes.map((note) => (
            <p key={note} className="hint">{note}</p>
          ))}
          {resume.error !== null && <ProblemView error={resume.error} />}
          <div className="dialog-actions">
            <Button onClick={() => setPreview(null)}>{t.close}</Button>
            <Button kind="primary" onClick={() => resume.mutate()} isDisabled={resume.isPending}>{t.job.resume}</Button>
          </div>
        </Dialog>
      )}
    </>
  );
}
