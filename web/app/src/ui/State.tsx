/** States as a label with a shape and a color. The shape alone distinguishes them. */
import { t } from "../text";
import { Icon, type IconName } from "./Icon";

export type Tone = "quiet" | "active" | "good" | "bad" | "warn";

const LOOKS: Record<string, [Tone, IconName]> = {
  // Jobs.
  queued: ["quiet", "clock"],
  running: ["active", "spin"],
  canceling: ["warn", "spin"],
  succeeded: ["good", "check"],
  failed: ["bad", "cross"],
  timed_out: ["bad", "clock"],
  canceled: ["quiet", "stop"],
  lost: ["bad", "question"],
  // Ranges.
  changing: ["active", "spin"],
  ready: ["good", "check"],
  incomplete: ["bad", "warning"],
  left: ["bad", "warning"],
  empty: ["quiet", "ring"],
  // Steps of plans, and what exists of a range.
  pending: ["quiet", "ring"],
  planned: ["quiet", "ring"],
  started: ["active", "spin"],
  created: ["active", "dot"],
  exists: ["good", "dot"],
  configured: ["good", "check"],
  done: ["good", "check"],
  unknown: ["warn", "question"],
  undoing: ["warn", "spin"],
  undone: ["quiet", "undo"],
  // Results of tasks.
  ok: ["good", "check"],
  changed: ["warn", "dot"],
  skipped: ["quiet", "minus"],
  ignored: ["warn", "cross"],
  rescued: ["warn", "undo"],
  unreachable: ["bad", "question"],
  // Checks.
  warn: ["warn", "warning"],
  fail: ["bad", "cross"],
  not_ready: ["bad", "warning"],
};

export function lookOf(state: string): [Tone, IconName] {
  return LOOKS[state] ?? ["quiet", "dot"];
}

export function State({ state, label }: { state: string; label?: string }) {
  const [tone, icon] = lookOf(state);
  return (
    <span className={`state tone-${tone}`}>
      <Icon name={icon} />
      <span>{label ?? (t.states as Record<string, string>)[state] ?? state}</span>
    </span>
  );
}

/** Only the shape, with the label for screen readers. */
export function StateIcon({ state }: { state: string }) {
  const [tone, icon] = lookOf(state);
  const label = (t.states as Record<string, string>)[state] ?? state;
  return (
    <span className={`state-icon tone-${tone}`} role="img" aria-label={label} title={label}>
      <Icon name={icon} />
    </span>
  );
}
