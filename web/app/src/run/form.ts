/** The fields of the form, and the request that they make. */
import type { Content, JobRequest } from "../api/types";
import { inventoryOf } from "../jobs/title";

export interface Variable {
  /** A number for React: names change while they are typed. */
  key: number;
  name: string;
  value: string;
  isSecret: boolean;
  /** The question of `vars_prompt`; its name cannot change. */
  prompt: string | null;
}

export interface Form {
  inventory: string;
  limit: string;
  tags: string[];
  skipTags: string[];
  variables: Variable[];
  check: boolean;
  diff: boolean;
  verbosity: number;
}

/** The form of a playbook: its prompts, with the values of an earlier request. */
export function formOf(content: Content, request: Partial<JobRequest> | null, inventories: string[]): Form {
  const given = { ...(request?.extra_vars as Record<string, unknown> | undefined) };
  let key = 0;
  const variables: Variable[] = [];
  for (const prompt of content.prompts ?? []) {
    if (prompt.kind !== "variable" || prompt.name === null) continue;
    const value = given[prompt.name];
    delete given[prompt.name];
    variables.push({ key: key++, name: prompt.name, value: value === undefined ? (prompt.default ?? "") : textOf(value), isSecret: prompt.private, prompt: prompt.prompt ?? prompt.name });
  }
  for (const [name, value] of Object.entries(given)) variables.push({ key: key++, name, value: textOf(value), isSecret: false, prompt: null });
  for (const name of request?.secret_vars ?? []) {
    if (!variables.some((variable) => variable.name === name)) variables.push({ key: key++, name, value: "", isSecret: true, prompt: null });
  }
  return {
    inventory: request === null ? (inventories.find((name) => name === "hosts") ?? inventories[0] ?? "") : inventoryOf(request),
    limit: request?.limit ?? "",
    tags: split(request?.tags),
    skipTags: split(request?.skip_tags),
    variables,
    check: request?.check ?? false,
    diff: request?.diff ?? false,
    verbosity: request?.verbosity ?? 0,
  };
}

function split(tags: string | undefined): string[] {
  return tags === undefined ? [] : tags.split(",").filter(Boolean);
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** A value as typed: JSON where it is JSON, otherwise text. */
export function valueOf(text: string): unknown {
  if (!/^(true|false|null|-?\d|[[{"])/.test(text.trim())) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The request of a form. Empty fields are left out. */
export function requestOf(kind: string, name: string, form: Form): Record<string, unknown> {
  const request: Record<string, unknown> = { [kind]: name };
  if (form.inventory !== "") {
    const names = form.inventory.split(",").map((one) => one.trim());
    request.inventory = names.length === 1 ? names[0] : names;
  }
  if (form.limit !== "") request.limit = form.limit;
  if (form.tags.length > 0) request.tags = form.tags.join(",");
  if (form.skipTags.length > 0) request.skip_tags = form.skipTags.join(",");
  const named = form.variables.filter((variable) => variable.name !== "" && variable.value !== "");
  const plain = named.filter((variable) => !variable.isSecret).map((variable) => [variable.name, valueOf(variable.value)]);
  const secret = named.filter((variable) => variable.isSecret).map((variable) => [variable.name, variable.value]);
  if (plain.length > 0) request.extra_vars = Object.fromEntries(plain);
  if (secret.length > 0) request.secret_vars = Object.fromEntries(secret);
  if (form.check) request.check = true;
  if (form.diff) request.diff = true;
  if (form.verbosity > 0) request.verbosity = form.verbosity;
  return request;
}
