/** A range and what belongs to it. Everything is read again when a step of its plan ends. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { api, body } from "../api/client";
import { follow } from "../api/stream";
import type { JobEvent, Plan, Range } from "../api/types";
import { together } from "../live";
import type { StepTimes } from "./plan";

export function useRange(id: string) {
  return useQuery({ queryKey: ["ranges", id], queryFn: () => body(api.GET("/v1/ranges/{id}", { params: { path: { id } } })) as Promise<Range> });
}

export function usePlan(id: string) {
  return useQuery({ queryKey: ["ranges", id, "plan"], queryFn: () => body(api.GET("/v1/ranges/{id}/plan", { params: { path: { id } } })) as Promise<Plan>, retry: false });
}

/** What is known of a step from the events of its job. */
export interface LiveStep extends StepTimes {
  state: string;
  why: string | null;
}

const REFRESH_MS = 400;

/** The steps of a job, live. `range` is read again with them. */
export function useSteps(job: string | undefined, range: string): ReadonlyMap<number, LiveStep> {
  const [steps, setSteps] = useState<ReadonlyMap<number, LiveStep>>(new Map());
  const queries = useQueryClient();
  useEffect(() => {
    if (job === undefined) return;
    const abort = new AbortController();
    const known = new Map<number, LiveStep>();
    setSteps(new Map());
    const draw = together<true>(() => setSteps(new Map(known)), 100);
    const refresh = together<true>(() => void queries.invalidateQueries({ queryKey: ["ranges", range] }), REFRESH_MS);
    void follow(`/v1/jobs/${job}/events?kind=plan_step`, {
      signal: abort.signal,
      onMessages: (messages) => {
        for (const message of messages) {
          if (message.event === "end") continue;
          const event = JSON.parse(message.data) as JobEvent;
          apply(known, event);
          // Only what happens now changes the range.
          if (Date.now() - Date.parse(event.time) < 10_000) refresh(true);
        }
        draw(true);
      },
    });
    return () => abort.abort();
  }, [job, range, queries]);
  return steps;
}

function apply(known: Map<number, LiveStep>, event: JobEvent): void {
  const data = event.data as { step?: number; to?: string; why?: string } | null;
  if (data?.step === undefined || data.to === undefined) return;
  const time = Date.parse(event.time);
  const before = known.get(data.step);
  const isActive = data.to === "started" || data.to === "undoing";
  known.set(data.step, {
    state: data.to,
    why: data.why ?? null,
    start: before?.start ?? (isActive ? time : undefined),
    end: isActive || data.to === "pending" ? undefined : time,
  });
}
