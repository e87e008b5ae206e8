//! What a resumed job would run again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::JobId;

/// Tasks of a play
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct PlayTasks {
    /// The play
    pub play: String,
    /// The tasks, in their order
    pub tasks: Vec<String>,
}

/// What would run again
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ResumePreview {
    /// The job
    pub job_id: JobId,
    /// `null`: at the beginning
    pub start_at_task: Option<String>,
    /// `null`: all hosts that the playbook names
    pub limit: Option<String>,
    /// The hosts that the last run saw and that continue
    pub hosts: Vec<String>,
    /// The tasks that run again, as far as they can be listed
    pub tasks: Vec<PlayTasks>,
    /// What else is to be known: read them
    pub notes: Vec<String>,
}
