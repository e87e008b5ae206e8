//! Durations of tasks and hosts.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Time;

/// Duration of a task, and numbers of hosts by outcome
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TaskTiming {
    /// Name of the play
    pub play: Option<String>,
    /// Name of the task, or its action
    pub task: String,
    /// When it started
    pub started_at: Time,
    /// Time in seconds from its start to its last result so far
    #[schemars(range(min = 0))]
    pub duration_s: f64,
    /// Number of hosts on which it changed something
    pub changed: u64,
    /// Number of hosts on which it succeeded without a change
    pub ok: u64,
    /// Number of hosts on which it failed, neither ignored nor rescued
    pub failed: u64,
    /// Number of hosts on which it failed and was ignored
    pub ignored: u64,
    /// Number of hosts on which it failed and was rescued
    pub rescued: u64,
    /// Number of hosts on which it was skipped
    pub skipped: u64,
    /// Number of hosts that were unreachable
    pub unreachable: u64,
}

/// Durations of tasks and hosts in the last attempt so far
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self")]
#[schemars(transform = crate::renamed::deprecate::<Self>)]
pub struct Timing {
    /// Tasks in the order in which they started
    #[schemars(length(max = 10000))]
    pub tasks: Vec<TaskTiming>,
    /// Number of further tasks, which are not listed
    pub tasks_omitted: u64,
    /// The slowest tasks, slowest first
    #[schemars(length(max = 10))]
    pub slowest: Vec<TaskTiming>,
    /// Seconds of work per host
    pub hosts: BTreeMap<String, f64>,
    /// Number of results that changed something
    pub changed: u64,
    /// Number of ignored failures
    pub ignored: u64,
    /// Number of rescued failures
    pub rescued: u64,
}
