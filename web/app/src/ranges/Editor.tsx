/** The document of a range as text, checked by the service while it is edited, and applied after a review. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { asProblem } from "../api/problem";
import type { Plan, Range } from "../api/types";
import { useCan } from "../caller";
import { href, navigate } from "../lib/route";
import { t } from "../text";
import { Button, Copy, Loading, ProblemView } from "../ui/basics";
import { Dialog } from "../ui/Dialog";
import { applyPlan, planOf } from "./change";
import { PlanView } from "./PlanView";

/** The document is checked when nothing was typed for this time. */
const PAUSE_MS = 500;

export function Editor({ initial, range }: { initial: string; range: Range | null }) {
  const [text, setText] = useState(initial);
  const [checked, setChecked] = useState(initial);
  const [review, setReview] = useState<Plan | null>(null);
  const canChange = useCan("operator");
  useEffect(() => {
    const timer = setTimeout(() => setChecked(text), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  const name = range?.name ?? null;
  const plan = useQuery({
    queryKey: ["plan", name, range?.version, checked],
    queryFn: () => planOf(name, checked),
    enabled: canChange && checked.trim() !== "",
    retry: false,
    gcTime: 0,
  });
  const isCurrent = checked === text && !plan.isFetching;
  return (
    <div className="editor">
      <div className="editor-text">
        <div className="section-head">
          <h2>{t.editor.document}</h2>
          <Copy text={text} />
        </div>
        <textarea
          aria-label={t.editor.document}
          spellCheck={false}
          readOnly={!canChange}
          value={text}
          aria-invalid={plan.error !== null}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Escape") event.currentTarget.blur();
          }}
        />
      </div>
      <div className="editor-plan" aria-live="polite">
        <div className="section-head">
          <h2>{t.editor.plan}</h2>
          {canChange && (
            <Button kind="primary" isDisabled={!isCurrent || plan.data === undefined || plan.data.steps.length === 0} onClick={() => setReview(plan.data ?? null)}>
              {t.editor.apply}
            </Button>
          )}
        </div>
        {!canChange && <p className="dim">{t.editor.readOnly}</p>}
        {plan.error !== null && isCurrent && <ProblemView error={plan.error} title={asProblem(plan.error).faults.length > 0 ? t.editor.faults : undefined} />}
        {plan.data !== undefined && <PlanView plan={plan.data} />}
        {plan.isFetching && plan.data === undefined && <Loading />}
      </div>
      {review !== null && <Review range={name} document={checked} plan={review} onClose={() => setReview(null)} />}
    </div>
  );
}

/** The last look before a change. What is destroyed is confirmed by its own. */
function Review({ range, document, plan, onClose }: { range: string | null; document: string; plan: Plan; onClose: () => void }) {
  const [isConfirmed, setConfirmed] = useState(plan.destroyed.length === 0);
  const queries = useQueryClient();
  const apply = useMutation({
    mutationFn: () => applyPlan(range, document, plan),
    onSuccess: (change) => {
      void queries.invalidateQueries({ queryKey: ["ranges"] });
      onClose();
      navigate(href(["ranges", change.range.name], { tab: "plan" }));
    },
  });
  return (
    <Dialog title={t.editor.review(plan.range)} onClose={onClose} isWide>
      <PlanView plan={plan} />
      {plan.destroyed.length > 0 && (
        <div className="reason reason-failed">
          <p>{t.editor.destroys}</p>
          <ul>
            {plan.destroyed.map((one) => (
              <li key={`${one.kind} ${one.name}`}>
                <strong>{one.name}</strong> <span className="dim">{one.reason}</span>
              </li>
            ))}
          </ul>
          <label className="check">
            <input type="checkbox" checked={isConfirmed} onChange={(event) => setConfirmed(event.target.checked)} />
            {t.editor.confirm}
          </label>
        </div>
      )}
      {apply.error !== null && <ProblemView error={apply.error} />}
      <div className="dialog-actions">
        <Button onClick={onClose}>{t.close}</Button>
        <Button kind={plan.destroyed.length > 0 ? "danger" : "primary"} isDisabled={!isConfirmed || apply.isPending} onClick={() => apply.mutate()}>
          {t.editor.apply}
        </Button>
      </div>
    </Dialog>
  );
}
