//! Durations of tasks and hosts in one attempt, and the outcome of each task.
//!
//! Computed from events alone, so it is the same for a running job and for one that ended a year ago. A
//! task's time is that from its start to its last result. A host's is the sum of the durations of its results.
//! Events record whether a failure was rescued (`counted_as`). Events of older versions of Rangehand do not: then only a host's
//! last failures, as many as the recap counts, are taken for final, and the others for rescued.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::{Counted, Draft, Event, time_text};

/// One task of a run, as far as it has come. The counts are numbers of hosts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TaskTiming {
    /// Its play.
    pub play: Option<String>,
    /// Its name, or its action when it has none.
    pub task: String,
    /// When it was begun.
    #[serde(serialize_with = "time_text::serialize")]
    pub started_at: Timestamp,
    /// From its start to its last result so far, in seconds.
    pub duration_s: f64,
    /// It changed something on them.
    pub changed: u64,
    /// It succeeded on them without a change.
    pub ok: u64,
    /// It failed on them, neither ignored nor, as far as is known, rescued.
    pub failed: u64,
    /// It failed on them, ignored.
    pub ignored: u64,
    /// It failed on them, rescued.
    pub rescued: u64,
    /// It was skipped on them.
    pub skipped: u64,
    /// They could not be reached.
    pub unreachable: u64,
}

/// Sums over all tasks and hosts, those tasks included that are left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Results that changed something.
    pub changed: u64,
    /// Failures that were ignored.
    pub ignored: u64,
    /// Failures that were rescued; known from the recap on.
    pub rescued: u64,
}

/// Collects timings while the events of one attempt pass by.
#[derive(Debug, Default)]
pub struct Timing {
    tasks: Vec<TaskTiming>,
    tasks_omitted: u64,
    /// The last task of each play and name; `None` for one that was left out.
    last: HashMap<(Option<String>, String), Option<usize>>,
    hosts: BTreeMap<String, f64>,
    /// The tasks that failed on each host, in order.
    failed: HashMap<String, Vec<usize>>,
    totals: Totals,
}

impl Timing {
    /// The most tasks that are kept; hosts and totals have all of them.
    pub const MAX_TASKS: usize = 10_000;
    /// The most failures per host of which is found out whether they were rescued.
    const MAX_FAILED: usize = 1_000;

    /// Processes the next event. A new attempt starts from zero.
    pub fn take(&mut self, event: &Event) {
        let draft = &event.draft;
        match draft.kind.as_str() {
            "playbook_on_start" => *self = Self::default(),
            "playbook_on_stats" => self.take_recap(&draft.data),
            _ if draft.is_task_start() => self.begin(draft),
            _ => self.take_result(draft),
        }
    }

    fn begin(&mut self, draft: &Draft) {
        let name = draft.task.clone().unwrap_or_default();
        let key = (draft.play.clone(), name.clone());
        if self.tasks.len() == Self::MAX_TASKS {
            self.tasks_omitted += 1;
            if let Some(last) = self.last.get_mut(&key) {
                *last = None;
            }
            return;
        }
        self.last.insert(key, Some(self.tasks.len()));
        self.tasks.push(TaskTiming {
            play: draft.play.clone(),
            task: name,
            started_at: draft.time,
            duration_s: 0.0,
            changed: 0,
            ok: 0,
            failed: 0,
            ignored: 0,
            rescued: 0,
            skipped: 0,
            unreachable: 0,
        });
    }

    fn take_result(&mut self, draft: &Draft) {
        let kinds = ["runner_on_ok", "runner_on_failed", "runner_on_skipped", "runner_on_unreachable"];
        if !kinds.contains(&draft.kind.as_str()) {
            return;
        }
        let is_failure = matches!(draft.kind.as_str(), "runner_on_failed" | "runner_on_unreachable");
        let is_ignored = is_failure && !draft.is_failed();
        let counted = draft.counted_as();
        self.totals.changed += u64::from(draft.is_changed());
        self.totals.ignored += u64::from(is_ignored);
        if let (Some(host), Some(duration)) = (&draft.host, draft.data["duration"].as_f64()) {
            *self.hosts.entry(host.clone()).or_default() += duration;
        }
        // With the strategy `free` hosts are at different tasks: the last one of that name is meant.
        let key = (draft.play.clone(), draft.task.clone().unwrap_or_default());
        let Some(index) = self.last.get(&key).copied().flatten() else { return };
        let task = &mut self.tasks[index];
        task.duration_s = draft.time.duration_since(task.started_at).as_secs_f64();
        let count = match draft.kind.as_str() {
            "runner_on_ok" if draft.is_changed() => &mut task.changed,
            "runner_on_ok" => &mut task.ok,
            "runner_on_skipped" => &mut task.skipped,
            _ if is_ignored => &mut task.ignored,
            "runner_on_unreachable" => &mut task.unreachable,
            _ if counted == Some(Counted::Rescued) => &mut task.rescued,
            _ => &mut task.failed,
        };
        *count += 1;
        if draft.kind.as_str() == "runner_on_failed" && !is_ignored && counted.is_none() {
            let failed = self.failed.entry(draft.host.clone().unwrap_or_default()).or_default();
            if failed.len() < Self::MAX_FAILED {
                failed.push(index);
            }
        }
    }

    fn take_recap(&mut self, data: &Value) {
        let count = |name: &str, host: &str| data[name][host].as_u64().unwrap_or(0);
        let rescued = data["rescued"].as_object();
        self.totals.rescued = rescued.map_or(0, |hosts| hosts.values().filter_map(Value::as_u64).sum());
        for (host, failed) in self.failed.drain() {
            let last = usize::try_from(count("failures", &host)).unwrap_or(usize::MAX);
            let rescued = usize::try_from(count("rescued", &host)).unwrap_or(usize::MAX);
            for index in &failed[..failed.len().saturating_sub(last).min(rescued)] {
                self.tasks[*index].failed -= 1;
                self.tasks[*index].rescued += 1;
            }
        }
    }

    /// The tasks so far, in the order they were begun.
    #[must_use]
    pub fn tasks(&self) -> &[TaskTiming] {
        &self.tasks
    }

    /// How many more tasks there were.
    #[must_use]
    pub const fn tasks_omitted(&self) -> u64 {
        self.tasks_omitted
    }

    /// Seconds of work per host.
    #[must_use]
    pub const fn hosts(&self) -> &BTreeMap<String, f64> {
        &self.hosts
    }

    /// Sums over everything.
    #[must_use]
    pub const fn totals(&self) -> Totals {
        self.totals
    }

    /// The slowest tasks, slowest first.
    #[must_use]
    pub fn slowest(&self, most: usize) -> Vec<&TaskTiming> {
        let mut tasks: Vec<&TaskTiming> = self.tasks.iter().collect();
        tasks.sort_by(|a, b| b.duration_s.total_cmp(&a.duration_s));
        tasks.truncate(most);
        tasks
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(seconds: i64, kind: &str, host: Option<&str>, task: &str, data: Value) -> Event {
        let time = Timestamp::from_second(seconds).expect("a time");
        let mut draft = Draft::new(time, kind.parse().expect("a kind"), data);
        draft.host = host.map(str::to_owned);
        draft.play = Some("p".to_owned());
        draft.task = Some(task.to_owned());
        Event { seq: 1, draft }
    }

    fn timing(events: &[Event]) -> Timing {
        let mut timing = Timing::default();
        events.iter().for_each(|event| timing.take(event));
        timing
    }

    #[test]
    fn changes_ignored_and_rescued_failures_are_kept_apart() {
        let none = || Value::Null;
        let timing = timing(&[
            event(0, "playbook_on_task_start", None, "of the attempt before", none()),
            event(1, "playbook_on_start", None, "", none()),
            event(2, "playbook_on_task_start", None, "one", none()),
            event(4, "runner_on_ok", Some("a"), "one", json!({"res": {"changed": true}, "duration": 2.0})),
            event(9, "runner_on_failed", Some("b"), "one", json!({"ignore_errors": true, "duration": 7.0})),
            event(9, "playbook_on_task_start", None, "two", none()),
            event(10, "runner_on_failed", Some("a"), "two", json!({"duration": 1.0})),
            event(10, "runner_on_skipped", Some("b"), "two", none()),
            event(11, "playbook_on_handler_task_start", None, "three", none()),
            event(12, "runner_on_failed", Some("a"), "three", none()),
            event(14, "runner_on_unreachable", Some("b"), "three", none()),
            event(15, "playbook_on_stats", None, "", json!({"failures": {"a": 1}, "rescued": {"a": 1}})),
        ]);
        let [one, two, three] = timing.tasks() else { panic!("{:?}", timing.tasks()) };
        assert_eq!((one.changed, one.ok, one.ignored, one.failed, one.duration_s), (1, 0, 1, 0, 7.0));
        assert_eq!((two.failed, two.rescued, two.skipped), (0, 1, 1));
        assert_eq!((three.failed, three.rescued, three.unreachable), (1, 0, 1));
        assert_eq!(timing.totals(), Totals { changed: 1, ignored: 1, rescued: 1 });
        assert_eq!(timing.hosts()["a"], 3.0);
        let slowest: Vec<&str> = timing.slowest(2).iter().map(|task| task.task.as_str()).collect();
        assert_eq!(slowest, ["one", "three"]);
    }

    #[test]
    fn a_failure_is_counted_as_ansible_counts_it_at_any_position() {
        let failed = |task, counted: &str| {
            event(1, "runner_on_failed", Some("a"), task, json!({ "counted_as": counted }))
        };
        let timing = timing(&[
            event(0, "playbook_on_start", None, "", Value::Null),
            event(1, "playbook_on_task_start", None, "counts", Value::Null),
            failed("counts", "failed"),
            event(1, "playbook_on_task_start", None, "in always", Value::Null),
            failed("in always", "rescued"),
            event(1, "playbook_on_task_start", None, "gone", Value::Null),
            event(2, "runner_on_unreachable", Some("a"), "gone", json!({"counted_as": "ignored"})),
            event(3, "playbook_on_stats", None, "", json!({"failures": {"a": 1}, "rescued": {"a": 1}})),
        ]);
        let [counts, always, gone] = timing.tasks() else { panic!("{:?}", timing.tasks()) };
        assert_eq!((counts.failed, counts.rescued), (1, 0));
        assert_eq!((always.failed, always.rescued), (0, 1));
        assert_eq!((gone.unreachable, gone.ignored), (0, 1));
    }

    #[test]
    fn tasks_without_end_take_no_memory_without_end() {
        let mut timing = Timing::default();
        for _ in 0..=Timing::MAX_TASKS {
            timing.take(&event(0, "playbook_on_task_start", None, "same", Value::Null));
            timing.take(&event(1, "runner_on_ok", Some("a"), "same", json!({"res": {"changed": true}})));
        }
        assert_eq!((timing.tasks().len(), timing.tasks_omitted()), (Timing::MAX_TASKS, 1));
        assert!(timing.tasks().iter().all(|task| task.changed == 1));
        assert_eq!(timing.totals().changed, Timing::MAX_TASKS as u64 + 1);
    }
}
