//! Events of jobs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{JobId, Time};

/// An event of a job
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// Number within the job: 1, 2, 3 ...
    #[schemars(range(min = 1))]
    pub seq: u64,
    /// Time of the event
    pub time: Time,
    /// ansible-runner's name for the event, or one of Rangehand's kinds: `job_state`, `step`, `runner_stderr`, `warning`, `artifacts`, `oversized_event`, `unreadable_event`, `verbose`
    pub kind: String,
    /// Host of the event
    pub host: Option<String>,
    /// Name of the play
    pub play: Option<String>,
    /// Name of the task
    pub task: Option<String>,
    /// Output of Ansible for this event, with colors
    pub stdout: Option<String>,
    /// Further data, by kind
    #[schemars(extend("type" = ["object", "null"]))]
    pub data: Value,
}

/// An event in the list of all jobs' events
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlacedEvent {
    /// Position in the order of storage, over all jobs
    #[schemars(range(min = 1))]
    pub position: u64,
    /// The job
    pub job_id: JobId,
    /// The event
    #[serde(flatten)]
    pub event: Event,
}
