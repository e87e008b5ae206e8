/** A plan: what it does and why, when, and how far it is. */
import { useMemo, useState } from "react";
import type { Plan, PlanStep } from "../api/types";
import { duration, useNow } from "../lib/time";
import { t } from "../text";
import { Button, Empty } from "../ui/basics";
import { StateIcon } from "../ui/State";
import { detailOf, isMain, signOf, type Slot, slotsOf, sumsOf } from "./plan";
import type { LiveStep } from "./useRange";

const NO_STEPS: ReadonlyMap<number, LiveStep> = new Map();
const TONES = { "+": "good", "~": "warn", "-/+": "warn", "-": "bad", ">": "active" } as const;

export function PlanView({ plan, live = NO_STEPS, isRunning = false }: { plan: Plan; live?: ReadonlyMap<number, LiveStep>; isRunning?: boolean }) {
  const [isWhole, setWhole] = useState(isRunning);
  const now = useNow(isRunning);
  const slots = useMemo(() => slotsOf(plan, live, now), [plan, live, now]);
  if (plan.steps.length === 0) return <Empty title={t.plan.nothing} />;
  const critical = new Set(plan.critical_path);
  const length = Math.max(1, ...[...slots.values()].map((slot) => slot.end));
  const shown = isWhole ? plan.steps : plan.steps.filter((step) => isMain(step, plan.steps));
  return (
    <div className="plan">
      <div className="plan-head">
        <Summary plan={plan} />
        <Button isPressed={isWhole} onClick={() => setWhole(!isWhole)}>{t.plan.allSteps(plan.steps.length)}</Button>
      </div>
      <ol className="steps" aria-label={t.plan.steps}>
        {shown.map((step) => (
          <Step key={step.id} step={step} live={live.get(step.id)} slot={slots.get(step.id)} length={length} isCritical={critical.has(step.id)} />
        ))}
      </ol>
    </div>
  );
}

function Summary({ plan }: { plan: Plan }) {
  const sums = sumsOf(plan);
  const { before, after, cost } = plan;
  const change = (from: number, to: number, unit: string) => (from === to ? `${to} ${unit}` : `${from} → ${to} ${unit}`);
  return (
    <div className="plan-summary">
      <p className="plan-sums">
        {(["create", "update", "replace", "delete", "run"] as const).map((kind) =>
          sums[kind] === 0 ? null : (
            <span key={kind} className={`sum tone-${TONES[t.plan.signs[kind]]}`}>
              <b>{t.plan.signs[kind]}</b> {sums[kind]} {t.plan.sums[kind]}
            </span>
          ),
        )}
        <span className="dim">{t.plan.takes(duration(plan.duration_ms / 1000))}</span>
      </p>
      <p className="dim small">
        {change(before.machines, after.machines, t.plan.machines)} · {change(before.networks, after.networks, t.plan.networks)} ·{" "}
        {change(before.cores, after.cores, t.plan.cores)} · {change(before.memory_mb, after.memory_mb, "MiB")} · {change(before.disk_gb, after.disk_gb, "GiB")}
        {cost !== undefined && ` · ${t.plan.cost(price(cost.before), price(cost.after), cost.currency)}`}
      </p>
    </div>
  );
}

/** Prices are in millionths of the currency. */
function price(value: number): string {
  return (value / 1_000_000).toFixed(2);
}

interface StepProps {
  step: PlanStep;
  live: LiveStep | undefined;
  slot: Slot | undefined;
  length: number;
  isCritical: boolean;
}

function Step({ step, live, slot, length, isCritical }: StepProps) {
  const sign = signOf(step);
  const state = live?.state ?? step.state;
  const why = live?.why ?? step.why;
  const took = slot !== undefined && !slot.isEstimate ? (slot.end - slot.start) / 1000 : step.took_ms === undefined ? null : step.took_ms / 1000;
  const verb = (t.plan.kinds as Record<string, string>)[step.kind] ?? step.kind;
  return (
    <li className={`step${isCritical ? " step-critical" : ""}`}>
      <span className={`sign tone-${TONES[sign]}`}>{sign}</span>
      {state === undefined ? <span /> : <StateIcon state={state} />}
      <div className="step-what">
        <p>
          <span className="dim">{verb}</span> <strong>{step.name}</strong>
          {step.instance !== "" && <span className="kind">{step.instance}</span>} <span className="dim">{detailOf(step)}</span>
        </p>
        {(step.changes ?? []).map((change) => (
          <p key={change.field} className="step-change">
            <code>{change.field}</code> <del>{change.from}</del> → <ins>{change.to}</ins>
          </p>
        ))}
        <p className="dim small">{step.reason}</p>
        {why !== undefined && why !== null && <p className="bad small">{why}</p>}
        {step.remedy !== undefined && <p className="hint">{step.remedy}</p>}
      </div>
      <span className="tree-time">{took === null ? `~ ${duration(step.estimate.ms / 1000)}` : duration(took)}</span>
      <span className="lane" aria-hidden="true" title={isCritical ? t.plan.critical : undefined}>
        {slot !== undefined && (
          <span
            className={`bar ${slot.isEstimate ? "bar-estimate" : `bar-${state}`}`}
            style={{ left: `${(slot.start / length) * 100}%`, width: `${Math.max(0.5, ((slot.end - slot.start) / length) * 100)}%` }}
          />
        )}
      </span>
    </li>
  );
}
