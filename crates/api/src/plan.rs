//! The plan of a range: its steps, and how far each of them has come.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{JobId, Time, words::words};

words!(StepKind, "Kind of a step" {
    /// Creates a network, or changes it.
    NetworkEnsure = "network.ensure",
    /// Removes a network.
    NetworkRemove = "network.remove",
    /// Creates a machine, or changes it.
    MachineEnsure = "machine.ensure",
    /// Starts a machine.
    MachineStart = "machine.start",
    /// Stops a machine.
    MachineStop = "machine.stop",
    /// Waits until a machine is ready.
    MachineWait = "machine.wait",
    /// Removes a machine with its disks.
    MachineRemove = "machine.remove",
    /// Sets the routes and rules of a router.
    RulesEnsure = "rules.ensure",
    /// Removes routes and rules from a machine that is no router any more.
    RulesRemove = "rules.remove",
    /// Runs a task.
    Playbook = "playbook",
    /// Removes a task from the records.
    TaskForget = "task.forget",
    /// Sends packets between all machines of an instance.
    Verify = "verify",
    /// Takes a snapshot of a machine.
    SnapshotTake = "snapshot.take",
    /// Makes a machine as it was when a snapshot was taken.
    SnapshotRevert = "snapshot.revert",
    /// Removes a snapshot of a machine.
    SnapshotRemove = "snapshot.remove",
});

words!(StepAction, "What a step does to the thing that it is about" {
    /// It did not exist.
    Create = "create",
    /// It is changed in place.
    Update = "update",
    /// It is removed and created again.
    Replace = "replace",
    /// It is removed.
    Delete = "delete",
});

words!(StepState, "How far a step has come" {
    /// It has not begun.
    Pending = "pending",
    /// It has begun.
    Started = "started",
    /// It succeeded.
    Done = "done",
    /// It failed.
    Failed = "failed",
    /// It is not known whether it was carried out.
    Unknown = "unknown",
    /// It is being undone.
    Undoing = "undoing",
    /// It was undone.
    Undone = "undone",
    /// It could not be undone; `remedy` has what to do by hand.
    Left = "left",
});

words!(PlanPhase, "Direction of a plan" {
    /// Its steps are carried out.
    Forward = "forward",
    /// Its steps are undone.
    Back = "back",
    /// Nothing happens until the plan is resumed or rolled back by request.
    Ended = "ended",
});

words!(UndoKind, "How a step is undone" {
    /// What the step created is removed.
    Remove = "remove",
    /// What the step changed gets its former state.
    Restore = "restore",
    /// The machine is started.
    Start = "start",
    /// The machine is stopped.
    Stop = "stop",
    /// There is nothing to undo, or no way to.
    Nothing = "nothing",
});

words!(EstimateSource, "Source of an estimate" {
    /// Earlier runs of the same step.
    History = "history",
    /// The platform.
    Platform = "platform",
    /// A constant.
    Constant = "constant",
});

/// How long a step will take
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Estimate {
    /// Milliseconds
    pub ms: u64,
    /// Where the number comes from
    pub source: EstimateSource,
}

/// How a step is undone
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Undo {
    /// What is done
    pub kind: UndoKind,
    /// Reason, where nothing is done
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}

/// A field that changes
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FieldChange {
    /// The field
    pub field: String,
    /// The recorded value
    pub from: String,
    /// The desired value
    pub to: String,
}

/// A step of a plan
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlanStep {
    /// Its place in the plan, from 0. The steps that it needs have smaller numbers
    pub id: u32,
    /// Kind of the step
    pub kind: StepKind,
    /// The network, machine, task, or instance that it is about
    pub name: String,
    /// Name of the instance; empty for the only one
    pub instance: String,
    /// What is done
    pub action: StepAction,
    /// Why
    pub reason: String,
    /// Fields that change
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<FieldChange>,
    /// Steps that must succeed before
    pub needs: Vec<u32>,
    /// How long it will take
    pub estimate: Estimate,
    /// Time in milliseconds from the begin of this step to the end of the plan, as far as it depends on this step
    pub remaining_ms: u64,
    /// How it is undone
    pub undo: Undo,
    /// The network, machine, routes, or task in detail; absent where the name is enough
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub specification: Map<String, Value>,
    /// How far it has come; absent in a plan that is not carried out
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<StepState>,
    /// Why it is `failed`, `unknown`, or `left`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// How to remove by hand what is `left`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// How long it took, in milliseconds
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<u64>,
    /// What it returned: the ID of the job that ran a playbook, or what the packets of a verification proved
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
}

/// What stays as it is
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Kept {
    /// Networks
    pub networks: Vec<String>,
    /// Machines
    pub machines: Vec<String>,
    /// Routers whose routes and rules stay
    pub routers: Vec<String>,
    /// Tasks that are not run
    pub tasks: Vec<String>,
}

/// Sums of what a range uses
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Totals {
    /// Machines
    pub machines: u64,
    /// Networks and links
    pub networks: u64,
    /// CPU cores
    pub cores: u64,
    /// Memory in MiB
    pub memory_mb: u64,
    /// Disk in GiB
    pub disk_gb: u64,
}

/// Cost per hour
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cost {
    /// Currency
    pub currency: String,
    /// Cost of the recorded range, in millionths
    pub before: u64,
    /// Cost of the desired range, in millionths
    pub after: u64,
}

/// Something that is removed with its data
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Destroyed {
    /// Kind of the step that removes it
    pub kind: StepKind,
    /// Its name
    pub name: String,
    /// Whether it is created again
    pub replaced: bool,
    /// Why
    pub reason: String,
}

/// A plan
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// ID of the plan; absent in a plan that is not stored
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Job that carries it out
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobId>,
    /// Its direction
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<PlanPhase>,
    /// When it was created
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Time>,
    /// The range
    pub range: String,
    /// The platform
    pub platform: String,
    /// Steps, in an order that respects their needs
    pub steps: Vec<PlanStep>,
    /// What stays as it is
    pub kept: Kept,
    /// Steps that determine how long the plan takes
    pub critical_path: Vec<u32>,
    /// How long the plan takes in milliseconds, if steps wait for nothing but their needs
    pub duration_ms: u64,
    /// What the recorded range uses
    pub before: Totals,
    /// What the desired range uses
    pub after: Totals,
    /// Cost, if there is a price list
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
    /// Machines and networks that are removed
    pub destroyed: Vec<Destroyed>,
    /// Names the states that the plan was made from. An apply with this digest is rejected if one of them has changed
    pub digest: String,
}

/// Number of things that a plan creates, updates, replaces, and deletes
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanSummary {
    /// Networks and machines that are created
    pub create: usize,
    /// Networks, machines, and rules that are changed in place
    pub update: usize,
    /// Networks and machines that are removed and created again
    pub replace: usize,
    /// Networks and machines that are removed
    pub delete: usize,
    /// Tasks that are run
    pub run: usize,
}

impl Plan {
    /// Counts things, not steps: a machine that is created, started, and waited for is one.
    #[must_use]
    pub fn summary(&self) -> PlanSummary {
        let mut summary = PlanSummary::default();
        for step in &self.steps {
            match (step.kind, step.action) {
                (StepKind::Playbook, _) => summary.run += 1,
                // A replacement is counted by the step that creates.
                (StepKind::NetworkEnsure | StepKind::MachineEnsure, StepAction::Create) => {
                    summary.create += 1
                }
                (StepKind::NetworkEnsure | StepKind::MachineEnsure, StepAction::Replace) => {
                    summary.replace += 1
                }
                (StepKind::NetworkEnsure | StepKind::MachineEnsure, _) => summary.update += 1,
                (StepKind::NetworkRemove | StepKind::MachineRemove, StepAction::Delete) => {
                    summary.delete += 1
                }
                (StepKind::RulesEnsure | StepKind::RulesRemove, StepAction::Update | StepAction::Delete) => {
                    summary.update += 1
                }
                _ => {}
            }
        }
        summary
    }
}
