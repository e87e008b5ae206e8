/** Changes of all jobs, as they happen: one stream for the whole page, which marks what it shows as out of date. */
import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useEffect, useSyncExternalStore } from "react";
import type { JobEvent } from "./api/types";
import { follow } from "./api/stream";

type Connection = "connecting" | "connected" | "lost";

let connection: Connection = "connecting";
const listeners = new Set<() => void>();

function setConnection(next: Connection) {
  connection = next;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

export function useConnection(): Connection {
  return useSyncExternalStore(subscribe, () => connection);
}

/** Events that arrive within this time cause one update. */
const TOGETHER_MS = 250;

/** Follows the states of all jobs while the page is open. */
export function useLive(isEnabled: boolean): void {
  const queries = useQueryClient();
  useEffect(() => {
    if (!isEnabled) return;
    const abort = new AbortController();
    const update = together<string>((jobs) => outdated(queries, jobs));
    void follow("/v1/events?kind=job_state&after=latest", {
      signal: abort.signal,
      onState: (state) => {
        // What changed before the first message of a connection isn't part of the stream.
        if (state === "connected" && connection !== "connected") void queries.invalidateQueries();
        setConnection(state);
      },
      onMessages: (messages) => {
        for (const message of messages) update((JSON.parse(message.data) as JobEvent & { job_id: string }).job_id);
      },
    });
    return () => abort.abort();
  }, [isEnabled, queries]);
}

function outdated(queries: QueryClient, jobs: Set<string>) {
  for (const key of ["jobs", "queue", "ranges"]) void queries.invalidateQueries({ queryKey: [key] });
  for (const job of jobs) void queries.invalidateQueries({ queryKey: ["job", job] });
}

/** Collects values, and passes them on together. */
export function together<T>(act: (values: Set<T>) => void, ms = TOGETHER_MS): (value: T) => void {
  let values = new Set<T>();
  return (value) => {
    if (values.size === 0) {
      setTimeout(() => {
        const ready = values;
        values = new Set();
        act(ready);
      }, ms);
    }
    values.add(value);
  };
}
