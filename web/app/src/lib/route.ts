/** The address of the page: a path and parameters after `#`, so that the service needs no routes of the page. */
import { useCallback, useSyncExternalStore } from "react";

export interface Route {
  /** The segments of the path. */
  path: string[];
  params: URLSearchParams;
}

export type Params = Record<string, string | number | null | undefined>;

export function parse(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  return { path: path.split("/").filter(Boolean).map(decodeURIComponent), params: new URLSearchParams(query) };
}

/** The address of a path with parameters; those without a value are left out. */
export function href(path: string[], params: Params | URLSearchParams = {}): string {
  const query = params instanceof URLSearchParams ? params : new URLSearchParams();
  if (!(params instanceof URLSearchParams)) {
    for (const [name, value] of Object.entries(params)) {
      if (value !== null && value !== undefined && value !== "") query.set(name, String(value));
    }
  }
  const text = query.toString();
  return `#/${path.map(encodeURIComponent).join("/")}${text === "" ? "" : `?${text}`}`;
}

let current = parse(location.hash);
const listeners = new Set<() => void>();

function changed() {
  current = parse(location.hash);
  for (const listener of listeners) listener();
}
window.addEventListener("hashchange", changed);

export function navigate(to: string, { replace = false } = {}): void {
  if (replace) {
    history.replaceState(null, "", to);
    changed();
  } else location.hash = to;
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

export function useRoute(): Route {
  return useSyncExternalStore(subscribe, () => current);
}

/** A parameter of the address, and how to change it. Changes do not add to the history. */
export function useParam(name: string, initial = ""): [string, (value: string | null) => void] {
  const { params } = useRoute();
  const change = useCallback(
    (value: string | null) => {
      const { path, params } = parse(location.hash);
      if (value === null || value === "" || value === initial) params.delete(name);
      else params.set(name, value);
      navigate(href(path, params), { replace: true });
    },
    [name, initial],
  );
  return [params.get(name) ?? initial, change];
}
