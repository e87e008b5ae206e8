//! Preview of a resumed job.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::JobId;

/// Tasks of a play
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct PlayTasks {
    /// The play
    pub play: String,
    /// Tasks, in order
    pub tasks: Vec<String>,
}

/// What would run again
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ResumePreview {
    /// The job
    pub job_id: JobId,
    /// Task that Ansible starts at; `null`: the beginning
    pub start_at_task: Option<String>,
    /// Host pattern; `null`: all hosts of the playbook
    pub limit: Option<String>,
    /// Hosts that the last run saw and that continue
    pub hosts: Vec<String>,
    /// Tasks that run again, as far as they can be listed
    pub tasks: Vec<PlayTasks>,
    /// Caveats; read them before you resume
    pub notes: Vec<String>,
}
