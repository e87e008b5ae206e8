import { expect, test } from "vitest";
import type { JobEvent } from "../api/types";
import { add, emptyTree, rowsOf, worst } from "./tree";

let seq = 0;
function event(kind: string, host: string | null, task: string | null, data: Record<string, unknown> = {}): JobEvent {
  seq += 1;
  return { seq, time: new Date(1_700_000_000_000 + seq * 1000).toISOString(), kind, host, play: task === null ? null : "Deploy", task, stdout: null, data: data as JobEvent["data"] };
}

function tree() {
  const tree = emptyTree();
  for (const one of [
    event("job_state", null, null, { from: "queued", to: "running" }),
    event("playbook_on_task_start", null, "Copy"),
    event("runner_on_start", "web", "Copy"),
    event("runner_on_start", "db", "Copy"),
    event("runner_on_ok", "web", "Copy", { res: { changed: true }, duration: 1 }),
    event("runner_on_failed", "db", "Copy", { res: { msg: "no space\nleft" }, counted_as: "failed" }),
    event("playbook_on_task_start", null, "Ping"),
    event("runner_on_failed", "web", "Ping", { res: {}, counted_as: "ignored" }),
  ]) add(tree, one);
  return tree;
}

const ALL = { show: "all", host: "", task: "" } as const;

test("results are counted once per host, and the worst is the state of a task", () => {
  const [copy, ping] = tree().tasks;
  expect(copy?.counts).toEqual({ running: 0, changed: 1, failed: 1 });
  expect([copy, ping].map((task) => task && worst(task))).toEqual(["failed", "ignored"]);
  expect(copy?.hosts.get("db")?.message).toBe("no space");
});

test("filters keep the tasks and hosts that match, while the job runs", () => {
  const names = (filter: Parameters<typeof rowsOf>[1]) =>
    rowsOf(tree(), filter, new Set()).map((row) => (row.kind === "host" ? row.host.host : row.kind === "task" ? row.task.name : "play"));
  expect(names(ALL)).toEqual(["play", "Copy", "web", "db", "Ping"]);
  expect(names({ ...ALL, show: "failed" })).toEqual(["play", "Copy", "db", "Ping", "web"]);
  expect(names({ ...ALL, show: "changed" })).toEqual(["play", "Copy", "web"]);
  expect(names({ ...ALL, task: "ping" })).toEqual(["play", "Ping"]);
});

test("another attempt begins with an empty tree", () => {
  const again = tree();
  add(again, event("job_state", null, null, { from: "failed", to: "queued" }));
  expect([again.tasks.length, again.attempt]).toEqual([0, 2]);
});
