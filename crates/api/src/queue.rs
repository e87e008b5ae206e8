//! The queue: what runs, what waits, and why.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Capacity, JobId, JobSummary, LockMode, Resource, Time, Waiting};

/// A job that waits
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Queued {
    /// Its id
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
    /// Higher goes first
    #[schemars(range(min = -100, max = 100))]
    pub priority: i8,
    /// Since when it waits
    pub queued_at: Time,
    /// Why it waits
    pub waiting: Waiting,
}

/// A job at work
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunningJob {
    /// The job
    #[serde(flatten)]
    pub job: JobSummary,
    /// The node that is at work on it
    pub node: String,
    /// Until when that node holds it unless it says more
    pub lease_until: Time,
}

/// A resource that a thing holds beyond any job
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OwnerLock {
    /// The thing
    pub owner: Resource,
    /// What it holds
    pub resource: Resource,
    /// How it holds it
    pub mode: LockMode,
}

/// The queue
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Queue {
    /// Jobs at work on all nodes
    pub running: Vec<RunningJob>,
    /// In the order in which they will be claimed as things are
    pub queued: Vec<Queued>,
    /// Resources that things such as ranges hold beyond any job
    #[schemars(length(max = 1000))]
    pub owner_locks: Vec<OwnerLock>,
    /// The places on this node
    pub capacity: Capacity,
}
