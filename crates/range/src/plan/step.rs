//! The steps of a plan as data: what, why, after what, how long, and how to undo it.

use std::{borrow::Cow, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    document::Ready,
    expand::spec::{MachineSpec, NetworkSpec, RouterSpec, TaskSpec},
    fault::words,
};

words! {
    /// The kinds of steps.
    StepKind {
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
        /// Removes a task from the records. What it did to machines stays.
        TaskForget = "task.forget",
        /// Sends packets between all machines of an instance.
        Verify = "verify",
        /// Takes a snapshot of a machine.
        SnapshotTake = "snapshot.take",
        /// Makes a machine as it was when a snapshot was taken. Afterwards it may be stopped.
        SnapshotRevert = "snapshot.revert",
        /// Removes a snapshot of a machine.
        SnapshotRemove = "snapshot.remove",
    }
}

words! {
    /// What a step does to the thing that it is about.
    Action {
        /// It did not exist.
        Create = "create",
        /// It is changed in place.
        Update = "update",
        /// It is removed and created again, or becomes what it was earlier.
        Replace = "replace",
        /// It is removed.
        Delete = "delete",
    }
}

words! {
    /// How a step is undone.
    UndoKind {
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
    }
}

words! {
    /// Where an estimate comes from.
    EstimateSource {
        /// Earlier runs of the same step.
        History = "history",
        /// The platform.
        Platform = "platform",
        /// A constant.
        Constant = "constant",
    }
}

/// How long a step will take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estimate {
    /// Milliseconds.
    pub ms: u64,
    /// Where the number comes from.
    pub source: EstimateSource,
}

/// How a step is undone, and why so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undo {
    /// What is done.
    pub kind: UndoKind,
    /// Why, where nothing is done.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub why: Cow<'static, str>,
}

/// A field that changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The field.
    pub field: Cow<'static, str>,
    /// The recorded value.
    pub from: String,
    /// The desired value.
    pub to: String,
}

/// What a step works with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// Of [`StepKind::NetworkEnsure`].
    EnsureNetwork {
        /// The desired network.
        network: Arc<NetworkSpec>,
        /// The recorded network, if it is changed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<Arc<NetworkSpec>>,
    },
    /// Of [`StepKind::NetworkRemove`].
    RemoveNetwork {
        /// The recorded network.
        network: Arc<NetworkSpec>,
    },
    /// Of [`StepKind::MachineEnsure`].
    EnsureMachine {
        /// The desired machine.
        machine: Arc<MachineSpec>,
        /// The recorded machine, if it is changed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<Arc<MachineSpec>>,
    },
    /// Of [`StepKind::MachineStart`].
    StartMachine,
    /// Of [`StepKind::MachineStop`].
    StopMachine,
    /// Of [`StepKind::MachineWait`].
    WaitMachine {
        /// How readiness is determined; without it the template decides.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ready: Option<Ready>,
    },
    /// Of [`StepKind::MachineRemove`].
    RemoveMachine {
        /// The recorded machine.
        machine: Arc<MachineSpec>,
    },
    /// Of [`StepKind::RulesEnsure`].
    EnsureRules {
        /// The desired routes and rules.
        router: Arc<RouterSpec>,
        /// The recorded ones, if they are changed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<Arc<RouterSpec>>,
    },
    /// Of [`StepKind::RulesRemove`].
    RemoveRules {
        /// The recorded routes and rules.
        router: Arc<RouterSpec>,
    },
    /// Of [`StepKind::Playbook`].
    RunTask {
        /// The task.
        task: Arc<TaskSpec>,
        /// The machines that it runs on this time.
        machines: Vec<String>,
    },
    /// Of [`StepKind::TaskForget`].
    ForgetTask,
    /// Of [`StepKind::Verify`].
    Verify,
    /// Of [`StepKind::SnapshotTake`].
    TakeSnapshot {
        /// The name of the snapshot.
        snapshot: String,
    },
    /// Of [`StepKind::SnapshotRevert`].
    RevertSnapshot {
        /// The name of the snapshot.
        snapshot: String,
    },
    /// Of [`StepKind::SnapshotRemove`].
    RemoveSnapshot {
        /// The name of the snapshot.
        snapshot: String,
    },
}

/// A step of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Its place in the plan, from 0. The steps that it needs have smaller numbers.
    pub id: u32,
    /// The kind.
    pub kind: StepKind,
    /// The concrete network, machine, task or instance that it is about.
    pub name: String,
    /// The name of the instance; empty for the only one.
    pub instance: String,
    /// What is done.
    pub action: Action,
    /// Why.
    pub reason: Cow<'static, str>,
    /// The fields that change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// The steps that must succeed before.
    pub needs: Vec<u32>,
    /// How long it will take.
    pub estimate: Estimate,
    /// The time from the begin of this step to the end of the plan, as far as it depends on this step.
    pub remaining_ms: u64,
    /// How it is undone.
    pub undo: Undo,
    /// What it works with.
    pub work: Work,
}
