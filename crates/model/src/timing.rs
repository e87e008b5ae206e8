//! How long tasks and hosts took, and how far a run has come.
//!
//! Worked out from events alone, so it is the same for a run that is at work and one that ended a year ago. A
//! task's time is that from its start to its last result; a host's is the sum of what its own results took.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::Event;

/// One task of a run, as far as it has come.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TaskTiming {
    /// Its play.
    pub play: Option<String>,
    /// Its name, or its action when it has none.
    pub task: String,
    /// When it was begun.
    pub started_at: Timestamp,
    /// From its start to its last result so far, in seconds.
    pub duration_s: f64,
    /// Hosts it changed something on.
    pub changed: u64,
    /// Hosts it ended well on without a change.
    pub ok: u64,
    /// Hosts it failed on, neither ignored nor rescued as far as is known.
    pub failed: u64,
    /// Hosts it failed on, ignored.
    pub ignored: u64,
    /// Hosts it was skipped on.
    pub skipped: u64,
    /// Hosts that could not be reached.
    pub unreachable: u64,
}

/// Collects timings while the events of one attempt pass by.
#[derive(Debug, Default)]
pub struct Timing {
    tasks: Vec<TaskTiming>,
    hosts: BTreeMap<String, f64>,
}

impl Timing {
    /// Looks at the next event. A new attempt begins anew.
    pub fn take(&mut self, event: &Event) {
        let draft = &event.draft;
        match draft.kind.as_str() {
            "playbook_on_start" => *self = Self::default(),
            "playbook_on_task_start" | "playbook_on_handler_task_start" => self.tasks.push(TaskTiming {
                play: draft.play.clone(),
                task: draft.task.clone().unwrap_or_default(),
                started_at: draft.time,
                duration_s: 0.0,
                changed: 0,
                ok: 0,
                failed: 0,
                ignored: 0,
                skipped: 0,
                unreachable: 0,
            }),
            kind => self.take_result(kind, event),
        }
    }

    fn take_result(&mut self, kind: &str, event: &Event) {
        let draft = &event.draft;
        // With the strategy `free` hosts are at different tasks: the last one of that name is meant.
        let same = |task: &&mut TaskTiming| {
            Some(task.task.as_str()) == draft.task.as_deref() && task.play == draft.play
        };
        let Some(task) = self.tasks.iter_mut().rev().find(same) else { return };
        let counted = match kind {
            "runner_on_ok" if draft.data["res"]["changed"] == Value::Bool(true) => &mut task.changed,
            "runner_on_ok" => &mut task.ok,
            "runner_on_failed" if draft.data["ignore_errors"] == Value::Bool(true) => &mut task.ignored,
            "runner_on_failed" => &mut task.failed,
            "runner_on_skipped" => &mut task.skipped,
            "runner_on_unreachable" => &mut task.unreachable,
            _ => return,
        };
        *counted += 1;
        task.duration_s = draft.time.duration_since(task.started_at).as_secs_f64();
        if let (Some(host), Some(duration)) = (&draft.host, draft.data["duration"].as_f64()) {
            *self.hosts.entry(host.clone()).or_default() += duration;
        }
    }

    /// The tasks so far, in the order they were begun.
    #[must_use]
    pub fn tasks(&self) -> &[TaskTiming] {
        &self.tasks
    }

    /// Seconds of work per host.
    #[must_use]
    pub const fn hosts(&self) -> &BTreeMap<String, f64> {
        &self.hosts
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
