/** What can be done with a range as a whole. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, body } from "../api/client";
import type { Range } from "../api/types";
import { useCan } from "../caller";
import { t } from "../text";
import { Button, Loading, ProblemView } from "../ui/basics";
import { Dialog } from "../ui/Dialog";
import { destroy, destroyPlan } from "./change";
import { PlanView } from "./PlanView";

export function RangeActions({ range }: { range: Range }) {
  const canChange = useCan("operator");
  const queries = useQueryClient();
  const [isDestroying, setDestroying] = useState(false);
  const params = { path: { id: range.id } };
  const onSettled = () => void queries.invalidateQueries({ queryKey: ["ranges"] });
  const resume = useMutation({ mutationFn: () => body(api.POST("/v1/ranges/{id}/actions/resume", { params })), onSettled });
  const rollback = useMutation({ mutationFn: () => body(api.POST("/v1/ranges/{id}/actions/rollback", { params })), onSettled });
  const verify = useMutation({ mutationFn: () => body(api.POST("/v1/ranges/{id}/actions/verify", { params, body: {} })), onSettled });
  const cancel = useMutation({ mutationFn: () => body(api.POST("/v1/jobs/{id}/cancel", { params: { path: { id: range.job ?? "" } } })), onSettled });
  if (!canChange) return null;
  const error = resume.error ?? rollback.error ?? verify.error ?? cancel.error;
  const isBroken = range.state === "incomplete" || range.state === "left";
  return (
    <>
      {isBroken && <Button icon="right" kind="primary" onClick={() => resume.mutate()}>{t.range.resume}</Button>}
      {isBroken && <Button icon="undo" onClick={() => rollback.mutate()}>{t.range.rollback}</Button>}
      {range.state === "ready" && <Button icon="check" onClick={() => verify.mutate()}>{t.range.verify}</Button>}
      {range.state === "changing" && range.job !== undefined && <Button kind="danger" icon="stop" onClick={() => cancel.mutate()}>{t.job.cancel}</Button>}
      {range.state !== "changing" && range.state !== "empty" && <Button kind="danger" icon="cross" onClick={() => setDestroying(true)}>{t.range.destroy}</Button>}
      {error !== null && (
        <Dialog title={t.job.notDone} onClose={() => (resume.reset(), rollback.reset(), verify.reset(), cancel.reset())}>
          <ProblemView error={error} />
        </Dialog>
      )}
      {isDestroying && <Destroy range={range} onClose={() => setDestroying(false)} />}
    </>
  );
}

/** Destroying asks for the name of the range. */
function Destroy({ range, onClose }: { range: Range; onClose: () => void }) {
  const [name, setName] = useState("");
  const queries = useQueryClient();
  const plan = useQuery({ queryKey: ["plan", range.id, range.version, "destroy"], queryFn: () => destroyPlan(range.id), gcTime: 0, retry: false });
  const act = useMutation({
    mutationFn: () => (plan.data === undefined ? Promise.reject(new Error(t.loading)) : destroy(range.id, plan.data)),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ["ranges"] });
      onClose();
    },
  });
  return (
    <Dialog title={t.range.destroyTitle(range.name)} onClose={onClose} isWide>
      {plan.error !== null ? <ProblemView error={plan.error} /> : plan.data === undefined ? <Loading /> : <PlanView plan={plan.data} />}
      {act.error !== null && <ProblemView error={act.error} />}
      <form onSubmit={(event) => (event.preventDefault(), name === range.name && act.mutate())}>
        <label className="field">
          <span>{t.range.typeName(range.name)}</span>
          <input value={name} autoComplete="off" onChange={(event) => setName(event.target.value)} />
        </label>
        <div className="dialog-actions">
          <Button onClick={onClose}>{t.close}</Button>
          <Button type="submit" kind="danger" isDisabled={name !== range.name || plan.data === undefined || act.isPending}>{t.range.destroy}</Button>
        </div>
      </form>
    </Dialog>
  );
}
