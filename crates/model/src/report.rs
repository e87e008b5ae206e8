//! The report of a run: counts per host, failures, and the results that its tasks printed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Ansible's recap for one host, in numbers of tasks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostStats {
    /// Successful tasks, including changed ones.
    pub ok: u64,
    /// Tasks that changed something.
    pub changed: u64,
    /// Times the host could not be reached.
    pub unreachable: u64,
    /// Tasks that failed and were neither ignored nor rescued.
    pub failed: u64,
    /// Tasks that were skipped.
    pub skipped: u64,
    /// Tasks that failed and were rescued.
    pub rescued: u64,
    /// Tasks that failed and were ignored.
    pub ignored: u64,
}

/// A task that failed on a host, or a host that could not be reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The host.
    pub host: String,
    /// The play, by name.
    pub play: Option<String>,
    /// The task, by name.
    pub task: Option<String>,
    /// The module or action of the task.
    pub action: Option<String>,
    /// Was the host unreachable, rather than the task failed?
    pub unreachable: bool,
    /// The loop item it failed on, as text.
    pub item: Option<String>,
    /// The message of the module, with the end of its error output if it has any.
    pub message: String,
}

/// Values that `set_stats` tasks set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CustomStats {
    /// For the whole run.
    #[serde(default)]
    pub run: Map<String, Value>,
    /// By host (`per_host: true`).
    #[serde(default)]
    pub hosts: Map<String, Value>,
}

impl CustomStats {
    /// Nothing was set?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.run.is_empty() && self.hosts.is_empty()
    }
}

/// The structured outcome of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Counts per host; empty when no host was touched or Ansible ended before its recap.
    pub stats: BTreeMap<String, HostStats>,
    /// Failures that were neither ignored nor rescued, in order; at most [`Report::MAX_FAILURES`].
    pub failures: Vec<Failure>,
    /// How many more failures there were.
    #[serde(default, rename = "failures_left_out")]
    pub failures_omitted: u64,
    /// For each variable that a debug task printed, its values in order.
    ///
    /// `debug: var=vm_list` on one host becomes `{"vm_list": [<value>]}`; in a loop over machines there is one
    /// value per iteration.
    pub results: Map<String, Value>,
    /// How many values, at least, were omitted because they or all results together were too large.
    #[serde(default, rename = "results_left_out")]
    pub results_omitted: u64,
    /// Values that `set_stats` tasks set.
    #[serde(default, skip_serializing_if = "CustomStats::is_empty")]
    pub custom_stats: CustomStats,
}

impl Report {
    /// Maximum number of failures in a report; the events contain all of them.
    pub const MAX_FAILURES: usize = 1000;
}
