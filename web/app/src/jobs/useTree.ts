/** The tree of a job, which grows while the job runs. */
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { follow } from "../api/stream";
import type { JobEvent } from "../api/types";
import { together } from "../live";
import { add, emptyTree, type Tree } from "./tree";

/** The tree is drawn at most this often while events arrive. */
const DRAW_MS = 120;
/** Progress and estimates are read at most this often, after a task has ended. */
const PROGRESS_MS = 1000;

/** The tree, and a number that changes with it. */
export function useTree(job: string, attempt: number): { tree: Tree; version: number; isComplete: boolean } {
  const tree = useRef<Tree>(emptyTree());
  const [version, setVersion] = useState(0);
  const [isComplete, setComplete] = useState(false);
  const queries = useQueryClient();
  // the stream of a finished job ends, so another attempt needs another.
  useEffect(() => {
    const abort = new AbortController();
    tree.current = emptyTree();
    setComplete(false);
    const draw = together<true>(() => setVersion((version) => version + 1), DRAW_MS);
    const progress = together<true>(() => void queries.invalidateQueries({ queryKey: ["job", job] }), PROGRESS_MS);
    void follow(`/v1/jobs/${job}/events`, {
      signal: abort.signal,
      onMessages: (messages) => {
        for (const message of messages) {
          if (message.event === "end") {
            setComplete(true);
            continue;
          }
          const event = JSON.parse(message.data) as JobEvent;
          add(tree.current, event);
          if (event.kind === "playbook_on_task_start" || event.kind === "plan_step") progress(true);
        }
        draw(true);
      },
    });
    return () => abort.abort();
  }, [job, attempt, queries]);
  return { tree: tree.current, version, isComplete };
}
