//! A job as v1 shows it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    ActorKind, Executor, Failure, Inventories, Isolation, JobId, Labels, Phase, Progress, ProjectName,
    ReasonCode, Resources, ResumePreview, RetryPolicy, State, Stats, Time, Waiting,
    new_job::{MAX_FORKS, MAX_TIMEOUT_S, MAX_VERBOSITY},
};

/// Why a job is in its state
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    /// Where in its life a run was; `null` while a job waits, runs or is being ended
    pub phase: Option<Phase>,
    /// For programs
    pub code: ReasonCode,
    /// For people
    pub message: String,
    /// Up to 50 of the last lines that Ansible printed, when it ended badly
    pub last_lines: Vec<String>,
}

/// One run of Ansible before the last one
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// The playbook
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub playbook: Option<String>,
    /// The bundle
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle: Option<String>,
    /// The scenario
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenario: Option<String>,
    /// The hosts
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    /// Only tasks with one of these tags
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<String>,
    /// Its variables
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra_vars: Map<String, Value>,
    /// The variables whose values are never shown
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secret_vars: Vec<String>,
    /// What must be in its result, and what the next step takes from it
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub find: Option<Map<String, Value>>,
}

/// What a job was asked to do, with what was filled in; members that say nothing are left out
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Request {
    /// The playbook
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub playbook: Option<String>,
    /// The bundle
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle: Option<String>,
    /// The scenario
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenario: Option<String>,
    /// The project that has the content
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
    /// Against which inventories
    pub inventory: Inventories,
    /// The hosts
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    /// Only tasks with one of these tags
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<String>,
    /// No tasks with one of these tags
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip_tags: Option<String>,
    /// `***` stands for what is secret
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra_vars: Map<String, Value>,
    /// Ansible's check mode
    pub check: bool,
    /// Ansible's diff mode
    pub diff: bool,
    /// How many `-v`
    #[schemars(range(max = MAX_VERBOSITY))]
    pub verbosity: u8,
    /// How many hosts at once
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_FORKS))]
    pub forks: Option<u16>,
    /// The longest the run may take, in seconds
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_TIMEOUT_S))]
    pub timeout_s: Option<u64>,
    /// Higher goes first
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -100, max = 100))]
    pub priority: Option<i8>,
    /// To find the job by
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Labels>,
    /// What the job needs while it runs
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
    /// When the job is queued again by itself
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<RetryPolicy>,
    /// The task that it begins at
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_at_task: Option<String>,
    /// What runs before, one after the other
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<Step>,
    /// The variables whose values are never shown
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secret_vars: Vec<String>,
    /// How far its runs are kept from their machine, at least
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub isolation: Option<Isolation>,
}

/// Something about a run that did not stop it; further members depend on the code
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Warning {
    /// For programs
    #[schemars(extend("examples" = ["prompt_unanswered"]))]
    pub code: String,
    /// For people
    pub message: String,
    /// Further members
    #[serde(flatten)]
    pub more: Map<String, Value>,
    /// The number of its event
    #[schemars(range(min = 1))]
    pub event: u64,
}

/// Who submitted a job
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Actor {
    /// What it is
    pub kind: ActorKind,
    /// The name of the caller or of the schedule; `null` for a caller that was not authenticated, and for Rangehand itself
    #[serde(default)]
    pub name: Option<String>,
}

/// A job
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self")]
#[schemars(transform = crate::renamed::deprecate::<Self>)]
pub struct Job {
    /// Its id
    pub id: JobId,
    /// Where it is in its life
    pub state: State,
    /// Why it is there
    pub reason: Reason,
    /// What it was asked to do
    pub request: Request,
    /// Who submitted it
    pub submitted_by: Actor,
    /// The job that submitted it as a part of its own work
    pub parent: Option<JobId>,
    /// How many attempts were begun; 0 while it is queued
    pub attempt: u32,
    /// When it was accepted
    pub created_at: Time,
    /// When its current attempt began
    pub started_at: Option<Time>,
    /// When it ended
    pub finished_at: Option<Time>,
    /// Exit code of `ansible-playbook`; `null` before the end, when it never ran, or when it was ended
    pub rc: Option<i32>,
    /// Ansible's recap
    pub stats: Stats,
    /// Failed tasks and unreachable hosts
    #[schemars(length(max = 1000))]
    pub failures: Vec<Failure>,
    /// Minimum number of further failures, which are not listed
    pub failures_omitted: u64,
    /// Processes ended at a limit, by a cancel, or left behind by the playbook
    pub processes_killed: u32,
    /// What ran Ansible in the last step: a process that was forked with Ansible imported, or ansible-runner; null as long as nothing did or the job has not ended
    pub executor: Option<Executor>,
    /// How the last attempt was isolated from its machine (docs/isolation.md); null if Ansible did not run or the job has not ended
    pub isolation: Option<Isolation>,
    /// What isolated the last attempt on its machine: parts of its sandbox, and control groups that kept its limits of memory and processes; empty if Ansible did not run or the job has not ended
    #[schemars(extend("items" = {"enum": ["namespaces", "user_namespace", "seccomp", "landlock", "memory_group", "processes_group"]}))]
    pub protections: Vec<String>,
    /// The number of its last event
    pub events: u64,
    /// Warnings of the last attempt; absent when there are none, and in the last message of a stream
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100))]
    pub warnings: Vec<Warning>,
    /// Why it waits, while it is queued
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Waiting>,
    /// How far it has come
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
}

/// A job in a list
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JobSummary {
    /// Its id
    pub id: JobId,
    /// Where it is in its life
    pub state: State,
    /// Why it is there
    pub reason: Reason,
    /// What it was asked to do
    pub request: Request,
    /// Who submitted it
    pub submitted_by: Actor,
    /// The job that submitted it as a part of its own work
    pub parent: Option<JobId>,
    /// How many attempts were begun; 0 while it is queued
    pub attempt: u32,
    /// When it was accepted
    pub created_at: Time,
    /// When its current attempt began
    pub started_at: Option<Time>,
    /// When it ended
    pub finished_at: Option<Time>,
    /// Exit code of `ansible-playbook`; `null` before the end, when it never ran, or when it was ended
    pub rc: Option<i32>,
    /// The number of its last event
    pub events: u64,
}

/// A job, or with `dry_run` what would run again
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum JobOrPreview {
    /// The job
    Job(Box<Job>),
    /// What would run again
    Preview(ResumePreview),
}
