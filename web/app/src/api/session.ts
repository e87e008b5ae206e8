/** The API token of this browser tab. It is kept in `sessionStorage`, which ends with the tab. */
import { useSyncExternalStore } from "react";

const KEY = "rangehand.token";
const listeners = new Set<() => void>();
let token = read();
let isRejected = false;

function read(): string | null {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null; // Storage is disabled: the token stays in memory.
  }
}

function changed() {
  for (const listener of listeners) listener();
}

export function setToken(next: string | null): void {
  token = next;
  isRejected = false;
  try {
    if (next === null) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, next);
  } catch {
    // See `read`.
  }
  changed();
}

/** Called when the service rejects the credentials: the page asks for others. */
export function reject(): void {
  if (isRejected) return;
  isRejected = true;
  changed();
}

export function authorization(): Record<string, string> {
  return token === null ? {} : { Authorization: `Bearer ${token}` };
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

export function useSession(): { hasToken: boolean; isRejected: boolean } {
  const hasToken = useSyncExternalStore(subscribe, () => token !== null);
  return { hasToken, isRejected: useSyncExternalStore(subscribe, () => isRejected) };
}
