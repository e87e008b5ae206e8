//! Determines whether a run did anything.
//!
//! Ansible ends with 0 when no task was selected, when no play matched a host, and when `--start-at-task` matched nothing.
//! A run has done something when a task ran on a host or was skipped there by its condition. Facts that a play gathers by
//! itself and includes only prepare that.

use model::{Draft, HostStats};
use serde_json::Value;

/// What a run did, as its events show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// A task ran on a host, or was skipped there by its condition.
    Done,
    /// Plays gathered facts or included files, and nothing else.
    Prepared,
    /// Plays matched hosts, and no task ran on any of them.
    Nothing,
    /// No play matched a host.
    NoHosts,
}

/// Collects what shows whether anything was done.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    plays: u64,
    plays_without_hosts: u64,
    has_prepared: bool,
    has_worked: bool,
}

impl Watch {
    /// Reads the next event.
    pub(crate) fn take(&mut self, event: &Draft) {
        match event.kind.as_str() {
            "playbook_on_play_start" => self.plays += 1,
            "playbook_on_no_hosts_matched" => self.plays_without_hosts += 1,
            // It may have been the result of a task.
            "oversized_event" | "unreadable_event" => self.has_worked = true,
            "runner_on_ok" | "runner_on_failed" | "runner_on_unreachable" | "runner_on_skipped" => {
                match Kind::of(event) {
                    Kind::Meta => {}
                    Kind::Preparation => self.has_prepared = true,
                    Kind::Task => self.has_worked = true,
                }
            }
            _ => {}
        }
    }

    /// What was done; the recap knows of hosts, too.
    pub(crate) fn work<'a>(&self, recap: impl IntoIterator<Item = &'a HostStats>) -> Work {
        let has_counts = |stats: &HostStats| *stats != HostStats::default();
        if self.has_worked {
            Work::Done
        } else if self.has_prepared {
            Work::Prepared
        } else if recap.into_iter().any(has_counts) {
            Work::Done
        } else if self.plays_without_hosts > 0 && self.plays_without_hosts >= self.plays {
            Work::NoHosts
        } else {
            Work::Nothing
        }
    }
}

enum Kind {
    Meta,
    Preparation,
    Task,
}

impl Kind {
    fn of(event: &Draft) -> Self {
        let action = event.data.get("task_action").and_then(Value::as_str).unwrap_or_default();
        let name = event.task.as_deref().unwrap_or_default();
        match action.rsplit('.').next().unwrap_or_default() {
            "meta" => Self::Meta,
            "include_tasks" | "include_role" => Self::Preparation,
            // The name of Ansible's implicit task that gathers facts.
            "gather_facts" if name == "Gathering Facts" => Self::Preparation,
            _ => Self::Task,
        }
    }
}
