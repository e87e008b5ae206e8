//! The result of a finished job.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{JobId, State};

/// Ansible's recap of a host: numbers of tasks
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HostStats {
    /// Successful tasks, including changed ones
    pub ok: u64,
    /// Tasks that changed something
    pub changed: u64,
    /// Number of times that the host was unreachable
    pub unreachable: u64,
    /// Tasks that failed and were neither ignored nor rescued
    pub failed: u64,
    /// Skipped tasks
    pub skipped: u64,
    /// Tasks that failed and were rescued
    pub rescued: u64,
    /// Tasks that failed and were ignored
    pub ignored: u64,
}

/// Ansible's recap, by host
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Stats(pub BTreeMap<String, HostStats>);

/// A failed task or an unreachable host, neither ignored nor rescued
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Failure {
    /// The host
    pub host: String,
    /// The name of the play
    pub play: Option<String>,
    /// The name of the task
    pub task: Option<String>,
    /// The module
    pub action: Option<String>,
    /// Whether the host was unreachable
    pub unreachable: bool,
    /// Loop item
    pub item: Option<String>,
    /// Message of the module
    pub message: String,
}

/// Values that `set_stats` tasks set
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CustomStats {
    /// For the whole run, by name
    pub run: Map<String, Value>,
    /// By host, then by name (`per_host: true`)
    #[schemars(extend("additionalProperties" = {"type": "object"}))]
    pub hosts: Map<String, Value>,
}

/// The result of a finished job
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Result")]
#[serde(remote = "Self")]
#[schemars(transform = crate::renamed::deprecate::<Self>)]
pub struct JobResult {
    /// The job
    pub job_id: JobId,
    /// State of the job
    pub state: State,
    /// Exit code of `ansible-playbook`; `null` if Ansible never ran or was terminated
    pub rc: Option<i32>,
    /// Ansible's recap
    pub stats: Stats,
    /// Failed tasks and unreachable hosts
    pub failures: Vec<Failure>,
    /// Minimum number of further failures, which are not listed
    pub failures_omitted: u64,
    /// Values printed by `debug` tasks with `var:`: for each variable a list of its values
    #[schemars(extend("additionalProperties" = {"type": "array"}))]
    pub results: Map<String, Value>,
    /// Minimum number of values that are missing
    pub results_omitted: u64,
    /// Values that `set_stats` tasks set
    pub custom_stats: CustomStats,
}
