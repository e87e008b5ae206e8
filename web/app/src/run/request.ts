/** The request of a job: kept between two pages, and as a command. */
import type { JobRequest } from "../api/types";
import { base } from "../lib/base";

let kept: Partial<JobRequest> | null = null;

/** Keeps a request for the form of the next page. It isn't part of the address, which others could see. */
export function keepRequest(request: Partial<JobRequest>): void {
  kept = request;
}

export function takeRequest(): Partial<JobRequest> | null {
  const request = kept;
  kept = null;
  return request;
}

/** A text as one word of a shell. */
function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** The request as a command. Secret values are left out. */
export function asCurl(request: Record<string, unknown>): string {
  const shown = { ...request };
  if (typeof shown.secret_vars === "object" && shown.secret_vars !== null) {
    shown.secret_vars = Object.fromEntries(Object.keys(shown.secret_vars).map((name) => [name, "…"]));
  }
  return `curl -sS -H "authorization: Bearer $token" --json ${quoted(JSON.stringify(shown))} ${quoted(`${base}v1/jobs`)}`;
}
