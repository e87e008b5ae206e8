//! Why a job waits.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{JobId, Resource};

/// The capacity of this node
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self")]
#[schemars(transform = crate::renamed::deprecate::<Self>)]
pub struct Capacity {
    /// Number of active runs
    pub running: u64,
    /// Maximum number of concurrent runs
    pub max: u64,
}

/// A job or owner that holds, or waits for, a resource that another job needs
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Blocker {
    /// The resource
    pub resource: Resource,
    /// The job; `null` if `owner` holds the resource
    pub job: Option<JobId>,
    /// Object, such as a range, that holds the resource beyond any job; absent if a job holds it
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Resource>,
    /// Whether it holds the resource; otherwise it waits for it as well and is earlier in the queue
    pub holds: bool,
}

/// Why a queued job waits
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Waiting {
    /// Number of jobs that would be claimed before this job
    pub position: u64,
    /// Jobs and owners that hold resources which the job needs
    pub blockers: Vec<Blocker>,
    /// The capacity of this node
    pub capacity: Capacity,
}
