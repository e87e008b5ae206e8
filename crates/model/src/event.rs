//! Events: the numbered record of what happened in a job.

use std::{borrow::Cow, fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{serde_by_text, time_text};

/// What an event tells.
///
/// The kinds of a run carry ansible-runner's own names (`runner_on_ok`, `playbook_on_stats`, `verbose` for
/// output that belongs to no event of Ansible). Ours are the constants below.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EventKind(Cow<'static, str>);

impl EventKind {
    /// The job moved to another state; `data` holds `from`, `to` and the reason.
    pub const JOB_STATE: Self = Self(Cow::Borrowed("job_state"));
    /// A line that ansible-runner itself wrote to its standard error.
    pub const RUNNER_STDERR: Self = Self(Cow::Borrowed("runner_stderr"));
    /// Something about the run that a user should know and that did not stop it.
    pub const WARNING: Self = Self(Cow::Borrowed("warning"));
    /// An event of ansible-runner that was larger than the limit; `data` holds its size in bytes.
    pub const OVERSIZED: Self = Self(Cow::Borrowed("oversized_event"));
    /// An event of ansible-runner that could not be read; `data` holds its size in bytes.
    pub const UNREADABLE: Self = Self(Cow::Borrowed("unreadable_event"));
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
    /// What it tells.
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
    /// What Ansible printed for it, with colours and without the last line end.
    #[serde(default)]
    pub stdout: Option<String>,
    /// The rest, by kind.
    #[serde(default)]
    pub data: Value,
}

impl Draft {
    /// An event that is about no host, play or task.
    #[must_use]
    pub const fn new(time: Timestamp, kind: EventKind, data: Value) -> Self {
        Self { time, kind, host: None, play: None, task: None, stdout: None, data }
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
