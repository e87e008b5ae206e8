//! Request and response types of the HTTP API, for the service and for clients.
//!
//! //! Every type owns its data and works with serde in both directions. Their JSON Schemas are the schemas of the OpenAPI
//! document. The types only define the form of the JSON; names, patterns, and limits are in the schemas, and the service
//! checks them.
//!
//! This crate depends on no other crate of Rangehand and on no web framework, so that a client needs nothing else.

mod artifacts;
mod background;
mod caller;
mod catalog;
mod event;
mod health;
mod job;
pub mod ldo;
mod new_job;
mod page;
mod plan;
mod problem;
mod progress;
mod queue;
mod range;
mod range_result;
mod renamed;
mod report;
mod resume;
mod schemas;
mod text;
mod timing;
pub mod v0;
mod waiting;
mod words;

pub use artifacts::{Artifact, Artifacts, OmittedFile};
pub use background::{Activation, ActivationCause, BackgroundTask, BackgroundTasks};
pub use caller::{Caller, CallerRole};
pub use catalog::{
    CatalogEntry, Content, Inventory, InventoryGroup, MissingFile, Play, PlayTask, Prompt, PromptKind,
};
pub use event::{Event, PlacedEvent};
pub use health::{Check, CheckStatus, Health, HealthStatus, Readiness, ReadyStatus};
pub use job::{Actor, Job, JobOrPreview, JobSummary, Reason, Request, Step, Warning};
pub use new_job::{
    Inventories, Labels, MAX_ATTEMPTS, MAX_FORKS, MAX_TIMEOUT_S, MAX_VERBOSITY, MIN_ATTEMPTS, NamedLock,
    NewJob, ResourceLock, Resources, RetryPolicy, Tags, TaskName,
};
pub use page::{CatalogPage, EventPage, JobPage, PlacedEventPage};
pub use plan::{
    Cost, Destroyed, Estimate, EstimateSource, FieldChange, Kept, Plan, PlanPhase, PlanStep, PlanSummary,
    StepAction, StepKind, StepState, Totals, Undo, UndoKind,
};
pub use problem::{Fault, FaultCode, Problem, ProblemCode};
pub use progress::{Basis, Progress};
pub use queue::{OwnerLock, Queue, Queued, RunningJob};
pub use range::{
    ChangeOrPlan, Difference, Drift, DriftKind, Graph, GraphEdge, GraphNode, GraphState, MachineStage,
    MissingFeature, NewRange, Platform, PlatformDetail, Platforms, Range, RangeChange, RangeMachine,
    RangeMachines, RangeNetwork, RangeNetworks, RangeNic, RangePage, RangeState, RangeValues, Reachability,
    ReachabilityRow, Verdict,
};
pub use range_result::{FailedPlanStep, LeftPlanStep, RangeResult};
pub use renamed::{RENAMED_FIELDS, RENAMED_IN_WARNINGS, RenamedField, complete_warning};
pub use report::{CustomStats, Failure, HostStats, JobResult, Stats};
pub use resume::{PlayTasks, ResumePreview};
pub use schemars::JsonSchema;
pub use schemas::Schemas;
pub use text::{ContentName, HostPattern, JobId, ProjectName, Resource, Time};
pub use timing::{TaskTiming, Timing};
pub use waiting::{Blocker, Capacity, Waiting};
pub use words::{
    ActorKind, Executor, Isolation, Kind, LockMode, Phase, RangeGoal, ReasonCode, RetryOn, State,
};
