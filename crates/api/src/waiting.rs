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

/// A job that has, or waits for, a resource which another one needs
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Blocker {
    /// The resource
    pub resource: Resource,
    /// The job; `null` where `owner` holds the resource
    pub job: Option<JobId>,
    /// The thing, such as a range, that holds the resource beyond any job; absent where a job does
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Resource>,
    /// It holds the resource; otherwise it waits for it too and came first
    pub holds: bool,
}

/// Why a queued job waits
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Waiting {
    /// How many jobs are claimed before it as things are
    pub position: u64,
    /// The jobs that have what it needs
    pub blockers: Vec<Blocker>,
    /// The places on this node
    pub capacity: Capacity,
}
