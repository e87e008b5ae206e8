/** What a plan does, in which order, and when. */
import type { Plan, PlanStep } from "../api/types";

export type Sign = "+" | "~" | "-/+" | "-" | ">";

export function signOf(step: PlanStep): Sign {
  if (step.kind === "playbook" || step.kind === "verify") return ">";
  return ({ create: "+", update: "~", replace: "-/+", delete: "-" } as const)[step.action];
}

/** Steps that only follow from others, such as the start of a new machine. */
const FOLLOWING = new Set(["machine.start", "machine.stop", "machine.wait", "task.forget"]);

export function isMain(step: PlanStep, steps: PlanStep[]): boolean {
  if (!FOLLOWING.has(step.kind)) return true;
  return !steps.some((other) => other.name === step.name && other.instance === step.instance && (other.kind === "machine.ensure" || other.kind === "machine.remove"));
}

/** The key facts of what a step creates or changes. */
export function detailOf(step: PlanStep): string {
  const known = (step.specification ?? {}) as Record<string, unknown>;
  const nics = Array.isArray(known.nics) ? (known.nics as { network: string; address: string | null }[]) : [];
  const parts = [
    known.cidr,
    known.template,
    typeof known.memory_mb === "number" ? `${known.memory_mb} MiB` : null,
    typeof known.cores === "number" ? `${known.cores} cores` : null,
    ...nics.map((nic) => (nic.address === null ? nic.network : `${nic.network} ${nic.address}`)),
  ];
  return parts.filter((part) => typeof part === "string" && part !== "").join(", ");
}

/** When a step ran, or is expected to run. */
export interface Slot {
  start: number;
  end: number;
  isEstimate: boolean;
}

export interface StepTimes {
  start?: number;
  end?: number;
}

/** The slots of all steps in milliseconds. Steps without times follow those that they need. */
export function slotsOf(plan: Plan, times: ReadonlyMap<number, StepTimes>, now: number): Map<number, Slot> {
  const begun = [...times.values()].flatMap((time) => time.start ?? []);
  const zero = begun.length === 0 ? 0 : Math.min(...begun);
  const slots = new Map<number, Slot>();
  const byId = new Map(plan.steps.map((step) => [step.id, step]));
  const visit = (id: number): Slot => {
    const known = slots.get(id);
    if (known !== undefined) return known;
    const step = byId.get(id);
    if (step === undefined) return { start: 0, end: 0, isEstimate: true };
    const time = times.get(id);
    let slot: Slot;
    if (time?.start !== undefined) {
      slot = { start: time.start - zero, end: (time.end ?? now) - zero, isEstimate: false };
    } else {
      // Steps form no circles, so this ends.
      const start = Math.max(0, begun.length === 0 ? 0 : now - zero, ...step.needs.map((need) => visit(need).end));
      slot = { start, end: start + step.estimate.ms, isEstimate: true };
    }
    slots.set(id, slot);
    return slot;
  };
  for (const step of plan.steps) visit(step.id);
  return slots;
}

export interface Sums {
  create: number;
  update: number;
  replace: number;
  delete: number;
  run: number;
}

export function sumsOf(plan: Plan): Sums {
  const sums: Sums = { create: 0, update: 0, replace: 0, delete: 0, run: 0 };
  for (const step of plan.steps) {
    if (!isMain(step, plan.steps)) continue;
    if (signOf(step) === ">") sums.run += 1;
    else if (step.kind.startsWith("machine.") || step.kind.startsWith("network.")) sums[step.action] += 1;
  }
  return sums;
}
