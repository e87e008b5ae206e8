/** The client of the API: typed by `openapi.json`, with the token of the session, and errors as problems. */
import createClient, { type Middleware } from "openapi-fetch";
import { base } from "../lib/base";
import { problemOf } from "./problem";
import type { paths } from "./schema";
import { authorization, reject } from "./session";

const authenticated: Middleware = {
  onRequest({ request }) {
    for (const [name, value] of Object.entries(authorization())) request.headers.set(name, value);
    return request;
  },
  async onResponse({ response }) {
    if (!response.ok) throw await problemIn(response);
    return undefined;
  },
};

async function problemIn(response: Response) {
  if (response.status === 401) reject();
  return problemOf(response.status, await response.json().catch(() => null));
}

export const api = createClient<paths>({ baseUrl: base.replace(/\/$/, "") });
api.use(authenticated);

/** The body of a response. Errors were thrown before. */
export async function body<T>(request: Promise<{ data?: T }>): Promise<T> {
  const { data } = await request;
  return data as T;
}

/** A request whose response isn't JSON. */
export async function raw(path: string, init: RequestInit = {}): Promise<Response> {
  const response = await fetch(`${base}${path.replace(/^\//, "")}`, {
    ...init,
    headers: { ...authorization(), ...(init.headers as Record<string, string> | undefined) },
  });
  if (!response.ok) throw await problemIn(response);
  return response;
}
