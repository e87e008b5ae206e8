//! Events: the numbered record of what happened in a job.

use std::{borrow::Cow, fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{serde_by_text, time_text};

/// Kind of an event.
///
/// The kinds of a run carry ansible-runner's own names (`runner_on_ok`, `playbook_on_stats`, `verbose` for
/// output that belongs to no event of Ansible). Rangehand's kinds are the constants below; `own_event.rs` has the types of their data.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EventKind(Cow<'static, str>);

impl EventKind {
    /// The job moved to another state: [`StateChange`](crate::StateChange).
    pub const JOB_STATE: Self = Self(Cow::Borrowed("job_state"));
    /// The next of several steps begins: [`StepStart`](crate::StepStart).
    pub const STEP: Self = Self(Cow::Borrowed("step"));
    /// A line that ansible-runner itself wrote to its standard error.
    pub const RUNNER_STDERR: Self = Self(Cow::Borrowed("runner_stderr"));
    /// Something about the run that a user should know and that did not stop it: [`Warning`](crate::Warning), or
    /// [`Complaint`](crate::Complaint).
    pub const WARNING: Self = Self(Cow::Borrowed("warning"));
    /// The run left files in its content, and they are kept: [`ArtifactsKept`](crate::ArtifactsKept).
    pub const ARTIFACTS: Self = Self(Cow::Borrowed("artifacts"));
    /// An event of ansible-runner that was larger than the limit: [`Oversized`](crate::Oversized).
    pub const OVERSIZED: Self = Self(Cow::Borrowed("oversized_event"));
    /// An event of ansible-runner that could not be read: [`Unreadable`](crate::Unreadable).
    pub const UNREADABLE: Self = Self(Cow::Borrowed("unreadable_event"));
    /// A step of the plan of a range changed its state: [`PlanStepChange`](crate::PlanStepChange).
    pub const PLAN_STEP: Self = Self(Cow::Borrowed("plan_step"));
    /// The plan of a range goes forward, back, or has ended: [`PlanPhaseChange`](crate::PlanPhaseChange).
    pub const PLAN_PHASE: Self = Self(Cow::Borrowed("plan_phase"));
    /// Output of Ansible outside any of its events.
    pub const VERBOSE: Self = Self(Cow::Borrowed("verbose"));

    /// The name of the kind.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EventKind {
    type Err = std::convert::Infallible;

    /// Characters that no kind has are dropped: kinds go into queries and stream framings.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
        Ok(Self(Cow::Owned(text.chars().filter(allowed).take(64).collect())))
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

serde_by_text!(EventKind);

/// An event before it has its number within the job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    /// When it happened.
    #[serde(serialize_with = "time_text::serialize")]
    pub time: Timestamp,
    /// Its kind.
    pub kind: EventKind,
    /// The host it is about.
    #[serde(default)]
    pub host: Option<String>,
    /// The play it happened in.
    #[serde(default)]
    pub play: Option<String>,
    /// The task it happened in.
    #[serde(default)]
    pub task: Option<String>,
    /// Output of Ansible for it, with colors and without the last line end.
    #[serde(default)]
    pub stdout: Option<String>,
    /// The rest, by kind.
    #[serde(default)]
    pub data: Value,
}

/// The column of Ansible's recap that counts a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// A task that failed, neither rescued nor ignored.
    Failed,
    /// A task that failed and whose block was rescued.
    Rescued,
    /// A task that failed, or a host that was unreachable, and was ignored.
    Ignored,
    /// A host that was unreachable.
    Unreachable,
}

impl Draft {
    /// An event that is about no host, play or task.
    #[must_use]
    pub const fn new(time: Timestamp, kind: EventKind, data: Value) -> Self {
        Self { time, kind, host: None, play: None, task: None, stdout: None, data }
    }

    /// Does it report a change on a host? For a loop, both the item and the whole task do.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        let result = || self.data.get("res").and_then(|result| result.get("changed"));
        matches!(self.kind.as_str(), "runner_on_ok" | "runner_item_on_ok")
            && result() == Some(&Value::Bool(true))
    }

    /// Does it report a failure that was not ignored? A failure that was rescued counts as one:
    /// [`Self::counted_as`] distinguishes them.
    #[must_use]
    pub fn is_failed(&self) -> bool {
        let failures = ["runner_on_failed", "runner_item_on_failed", "runner_on_unreachable"];
        failures.contains(&self.kind.as_str())
            && self.data.get("ignore_errors") != Some(&Value::Bool(true))
            && self.counted_as() != Some(Counted::Ignored)
    }

    /// How Ansible counted the failure that the event reports; `None` for other events, and where it is unknown.
    #[must_use]
    pub fn counted_as(&self) -> Option<Counted> {
        match self.data.get("counted_as")?.as_str()? {
            "failed" => Some(Counted::Failed),
            "rescued" => Some(Counted::Rescued),
            "ignored" => Some(Counted::Ignored),
            "unreachable" => Some(Counted::Unreachable),
            _ => None,
        }
    }

    /// Does it report the start of a task or a handler?
    #[must_use]
    pub fn is_task_start(&self) -> bool {
        matches!(self.kind.as_str(), "playbook_on_task_start" | "playbook_on_handler_task_start")
    }
}

/// An event with its number: 1, 2, 3 ... within its job, never a gap, never a repeat.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The number.
    pub seq: u64,
    /// Everything else.
    #[serde(flatten)]
    pub draft: Draft,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn changes_and_failures_are_recognized_by_kind_and_data() {
        let changed = json!({"res": {"changed": true}});
        for (kind, data, is_changed, is_failed) in [
            ("runner_on_ok", changed.clone(), true, false),
            ("runner_item_on_ok", changed.clone(), true, false),
            ("runner_on_ok", json!({"res": {"changed": false}}), false, false),
            ("runner_on_ok", json!({"res": {"changed": "true"}}), false, false),
            ("runner_on_ok", json!({"changed": true}), false, false),
            ("runner_on_ok", Value::Null, false, false),
            ("runner_on_skipped", changed.clone(), false, false),
            ("runner_on_failed", changed.clone(), false, true),
            ("runner_item_on_failed", Value::Null, false, true),
            ("runner_on_unreachable", json!({"res": {}}), false, true),
            ("runner_on_failed", json!({"ignore_errors": null}), false, true),
            ("runner_on_failed", json!({"ignore_errors": true}), false, false),
            ("runner_on_failed", json!({"counted_as": "rescued"}), false, true),
            ("runner_on_unreachable", json!({"counted_as": "ignored"}), false, false),
            ("job_state", json!({"to": "failed"}), false, false),
        ] {
            let kind = kind.parse().expect("a kind");
            let draft = Draft::new(Timestamp::UNIX_EPOCH, kind, data);
            assert_eq!((draft.is_changed(), draft.is_failed()), (is_changed, is_failed), "{draft:?}");
        }
    }
}
