/** Errors of requests. The service sends problem documents (RFC 9457) with a code, a detail, and often a hint. */

/** A fault of one field of a request. */
export interface Fault {
  field: string;
  code: string;
  message: string;
  hint?: string;
}

export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly hint: string | null,
    readonly faults: Fault[],
    readonly requestId: string | null,
  ) {
    super(detail);
  }
}

/** The problem that a body describes. */
export function problemOf(status: number, body: unknown): Problem {
  const fields = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  const text = (name: string) => (typeof fields[name] === "string" ? (fields[name] as string) : null);
  return new Problem(
    status,
    text("code") ?? `http_${status}`,
    text("detail") ?? `The service returned status ${status}.`,
    text("hint"),
    Array.isArray(fields.errors) ? (fields.errors as Fault[]) : [],
    text("request_id"),
  );
}

/** Any error as a problem; a request that did not reach the service has status 0. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const detail = error instanceof Error ? error.message : String(error);
  return new Problem(0, "unreachable", "The service does not respond.", detail, [], null);
}
