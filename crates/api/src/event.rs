//! Events of jobs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{JobId, Time};

/// An event of a job
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// 1, 2, 3 ... within its job
    #[schemars(range(min = 1))]
    pub seq: u64,
    /// When it happened
    pub time: Time,
    /// ansible-runner's name of an event, or one of Rangehand: `job_state`, `step`, `runner_stderr`, `warning`, `oversized_event`, `unreadable_event`, `verbose`
    pub kind: String,
    /// The host that it is about
    pub host: Option<String>,
    /// The name of the play
    pub play: Option<String>,
    /// The name of the task
    pub task: Option<String>,
    /// What Ansible printed, with its colours
    pub stdout: Option<String>,
    /// Depends on the kind
    #[schemars(extend("type" = ["object", "null"]))]
    pub data: Value,
}

/// An event among those of all jobs
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlacedEvent {
    /// Counts over all jobs, in the order of storing
    #[schemars(range(min = 1))]
    pub position: u64,
    /// The job
    pub job_id: JobId,
    /// The event
    #[serde(flatten)]
    pub event: Event,
}
