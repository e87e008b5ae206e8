/** Requests that change a range: first as a dry run, which returns the plan, then for certain. */
import { raw } from "../api/client";
import type { Plan, RangeChange } from "../api/types";

async function send<T>(method: string, path: string, query: Record<string, string>, document?: string): Promise<T> {
  const response = await raw(`${path}?${new URLSearchParams(query)}`, {
    method,
    ...(document === undefined ? {} : { body: document, headers: { "Content-Type": "application/yaml" } }),
  });
  return (await response.json()) as T;
}

/** `null` creates a range. */
function target(range: string | null): [string, string] {
  return range === null ? ["POST", "/v1/ranges"] : ["PUT", `/v1/ranges/${encodeURIComponent(range)}`];
}

export function planOf(range: string | null, document: string): Promise<Plan> {
  return send(...target(range), { dry_run: "true" }, document);
}

/** Carries out exactly this plan. The service rejects the request if the plan would be another one now. */
export function applyPlan(range: string | null, document: string, plan: Plan): Promise<RangeChange> {
  const query: Record<string, string> = { digest: plan.digest };
  if (plan.destroyed.length > 0) query.confirm = [...new Set(plan.destroyed.map((one) => one.name))].join(",");
  return send(...target(range), query, document);
}

export function destroyPlan(range: string): Promise<Plan> {
  return send("DELETE", `/v1/ranges/${encodeURIComponent(range)}`, { dry_run: "true" });
}

export function destroy(range: string, plan: Plan): Promise<RangeChange> {
  return send("DELETE", `/v1/ranges/${encodeURIComponent(range)}`, { digest: plan.digest });
}
