//! How long tasks and hosts took.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Time;

/// How long a task took, and what became of it
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TaskTiming {
    /// The name of the play
    pub play: Option<String>,
    /// The name of the task, or its action
    pub task: String,
    /// When it began
    pub started_at: Time,
    /// From its start to its last result so far
    #[schemars(range(min = 0))]
    pub duration_s: f64,
    /// Numbers of hosts, from here on
    pub changed: u64,
    /// It succeeded without a change
    pub ok: u64,
    /// It failed, neither ignored nor rescued
    pub failed: u64,
    /// It failed and was ignored
    pub ignored: u64,
    /// It failed and was rescued
    pub rescued: u64,
    /// It was skipped
    pub skipped: u64,
    /// They could not be reached
    pub unreachable: u64,
}

/// How long tasks and hosts of the last attempt took, as far as it has come
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self")]
#[schemars(transform = crate::renamed::deprecate::<Self>)]
pub struct Timing {
    /// In the order in which they began
    #[schemars(length(max = 10000))]
    pub tasks: Vec<TaskTiming>,
    /// Number of further tasks, which are not listed
    pub tasks_omitted: u64,
    /// The slowest tasks, slowest first
    #[schemars(length(max = 10))]
    pub slowest: Vec<TaskTiming>,
    /// Seconds of work per host
    pub hosts: BTreeMap<String, f64>,
    /// Results that changed something
    pub changed: u64,
    /// Failures that were ignored
    pub ignored: u64,
    /// Failures that were rescued
    pub rescued: u64,
}
