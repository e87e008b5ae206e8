/** What a job runs, from its request. */
import type { JobRequest } from "../api/types";
import { t } from "../text";

export interface Title {
  kind: string;
  name: string;
}

export function titleOf(request: Partial<JobRequest>): Title {
  if (request.scenario !== undefined) return { kind: "scenario", name: request.scenario };
  if (request.bundle !== undefined) return { kind: "bundle", name: request.bundle };
  if (request.range !== undefined) return { kind: "range", name: request.range };
  return { kind: "playbook", name: request.playbook ?? t.none };
}

export function isFinished(state: string): boolean {
  return !["queued", "running", "canceling"].includes(state);
}

/** The inventories of a request as text. */
export function inventoryOf(request: Partial<JobRequest>): string {
  return [request.inventory ?? []].flat().join(", ");
}
