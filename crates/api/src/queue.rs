//! The queue: running and queued jobs, and why they wait.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Capacity, JobId, JobSummary, LockMode, Resource, Time, Waiting};

/// A queued job
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Queued {
    /// ID of the job
    pub id: JobId,
    /// The playbook
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub playbook: Option<String>,
    /// The bundle
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle: Option<String>,
    /// The scenario
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenario: Option<String>,
    /// The range, for a job that carries out a plan
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<String>,
    /// Higher values run first
    #[schemars(range(min = -100, max = 100))]
    pub priority: i8,
    /// When it was queued
    pub queued_at: Time,
    /// Why it waits
    pub waiting: Waiting,
}

/// A running job
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunningJob {
    /// The job
    #[serde(flatten)]
    pub job: JobSummary,
    /// Node that runs the job
    pub node: String,
    /// When the lease of that node expires unless it is renewed
    pub lease_until: Time,
}

/// A resource that an object holds beyond any job
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OwnerLock {
    /// The object
    pub owner: Resource,
    /// Resource that it holds
    pub resource: Resource,
    /// Lock mode
    pub mode: LockMode,
}

/// The queue
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Queue {
    /// Running jobs on all nodes
    pub running: Vec<RunningJob>,
    /// Queued jobs in the order in which they would be claimed now
    pub queued: Vec<Queued>,
    /// Resources that objects such as ranges hold beyond any job
    #[schemars(length(max = 1000))]
    pub owner_locks: Vec<OwnerLock>,
    /// The capacity of this node
    pub capacity: Capacity,
}
