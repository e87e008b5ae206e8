//! A job in v1.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    ActorKind, Executor, Failure, Inventories, Isolation, JobId, Labels, Phase, Progress, ProjectName,
    RangeGoal, RangeResult, ReasonCode, Resources, ResumePreview, RetryPolicy, State, Stats, Time, Waiting,
    new_job::{MAX_FORKS, MAX_TIMEOUT_S, MAX_VERBOSITY},
};

/// Why the job is in its state
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    /// Stage of the run; `null` while the job is queued, running, or being canceled
    pub phase: Option<Phase>,
    /// Stable code for programs
    pub code: ReasonCode,
    /// Message for people
    pub message: String,
    /// Up to 50 of the last lines that Ansible printed, if the job failed
    pub last_lines: Vec<String>,
}

/// A step that runs before the main playbook
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
    /// Host pattern
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    /// Only tasks with one of these tags
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<String>,
    /// Variables of the step
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra_vars: Map<String, Value>,
    /// Names of the secret variables
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secret_vars: Vec<String>,
    /// Value that its result must contain, and that is passed to the next step
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub find: Option<Map<String, Value>>,
}

/// The request of the job, including defaults that were filled in; fields without a value are absent
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    /// Project that contains the content
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
    /// The range, for a job that carries out a plan
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<String>,
    /// ID of the range
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range_id: Option<String>,
    /// ID of the plan
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// What the job does with the plan
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goal: Option<RangeGoal>,
    /// Inventories; absent for a plan
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inventory: Option<Inventories>,
    /// Host pattern
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    /// Only tasks with one of these tags
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<String>,
    /// No tasks with one of these tags
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip_tags: Option<String>,
    /// Variables; secrets are shown as `***`
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra_vars: Map<String, Value>,
    /// Ansible's check mode
    pub check: bool,
    /// Ansible's diff mode
    pub diff: bool,
    /// Number of `-v` options
    #[schemars(range(max = MAX_VERBOSITY))]
    pub verbosity: u8,
    /// Number of hosts that Ansible works on in parallel
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_FORKS))]
    pub forks: Option<u16>,
    /// Maximum duration of the run in seconds
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_TIMEOUT_S))]
    pub timeout_s: Option<u64>,
    /// Higher values run first
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -100, max = 100))]
    pub priority: Option<i8>,
    /// Labels for searching
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Labels>,
    /// Resources that the job needs while it runs
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
    /// When the job is queued again automatically
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<RetryPolicy>,
    /// Task that Ansible starts at
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_at_task: Option<String>,
    /// Steps that run before, in order
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<Step>,
    /// Names of the secret variables
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secret_vars: Vec<String>,
    /// Minimum isolation level of its runs
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub isolation: Option<Isolation>,
}

/// A problem that did not stop the run; further fields depend on the code
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Warning {
    /// Stable code for programs
    #[schemars(extend("examples" = ["prompt_unanswered"]))]
    pub code: String,
    /// Message for people
    pub message: String,
    /// Further fields
    #[serde(flatten)]
    pub more: Map<String, Value>,
    /// Number of its event
    #[schemars(range(min = 1))]
    pub event: u64,
}

/// Who submitted the job
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Actor {
    /// Type of the submitter
    pub kind: ActorKind,
    /// Name of the caller or of the schedule; `null` for an unauthenticated caller, and for Rangehand itself
    #[serde(default)]
    pub name: Option<String>,
}

/// A job
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self")]
#[schemars(transform = crate::renamed::deprecate::<Self>)]
pub struct Job {
    /// ID of the job
    pub id: JobId,
    /// State of the job
    pub state: State,
    /// Why it is in this state
    pub reason: Reason,
    /// The request
    pub request: Request,
    /// Who submitted it
    pub submitted_by: Actor,
    /// Job that submitted it as a part of its work
    pub parent: Option<JobId>,
    /// Number of started attempts; 0 while it is queued for the first time
    pub attempt: u32,
    /// When it was accepted
    pub created_at: Time,
    /// When its current attempt started
    pub started_at: Option<Time>,
    /// When it finished
    pub finished_at: Option<Time>,
    /// Exit code of `ansible-playbook`; `null` before the job finishes, if Ansible never ran, or if it was terminated
    pub rc: Option<i32>,
    /// Ansible's recap
    pub stats: Stats,
    /// Failed tasks and unreachable hosts
    #[schemars(length(max = 1000))]
    pub failures: Vec<Failure>,
    /// Minimum number of further failures, which are not listed
    pub failures_omitted: u64,
    /// Number of processes that were terminated at a limit, by a cancel, or because the playbook left them running
    pub processes_killed: u32,
    /// Executor of the last step; null until the job finishes, or if Ansible did not run
    pub executor: Option<Executor>,
    /// Isolation of the last attempt from its machine (docs/isolation.md); null if Ansible did not run or the job has not finished
    pub isolation: Option<Isolation>,
    /// Protections that isolated the last attempt: parts of its sandbox, and control groups that limited memory and processes; empty if Ansible did not run or the job has not finished
    #[schemars(extend("items" = {"enum": ["namespaces", "user_namespace", "seccomp", "landlock", "memory_group", "processes_group"]}))]
    pub protections: Vec<String>,
    /// How far the plan of a range came, for a job that carries out a plan and has ended
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<RangeResult>,
    /// Number of its last event
    pub events: u64,
    /// Warnings of the last attempt; absent if there are none, and in the last message of a stream
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100))]
    pub warnings: Vec<Warning>,
    /// Why it waits, while it is queued
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Waiting>,
    /// Progress of a running job
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
}

/// A job in a list
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JobSummary {
    /// ID of the job
    pub id: JobId,
    /// State of the job
    pub state: State,
    /// Why it is in this state
    pub reason: Reason,
    /// The request
    pub request: Request,
    /// Who submitted it
    pub submitted_by: Actor,
    /// Job that submitted it as a part of its work
    pub parent: Option<JobId>,
    /// Number of started attempts; 0 while it is queued for the first time
    pub attempt: u32,
    /// When it was accepted
    pub created_at: Time,
    /// When its current attempt started
    pub started_at: Option<Time>,
    /// When it finished
    pub finished_at: Option<Time>,
    /// Exit code of `ansible-playbook`; `null` before the job finishes, if Ansible never ran, or if it was terminated
    pub rc: Option<i32>,
    /// Number of its last event
    pub events: u64,
}

/// A job; with `dry_run`, a preview of what would run again
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum JobOrPreview {
    /// The job
    Job(Box<Job>),
    /// What would run again
    Preview(ResumePreview),
}
