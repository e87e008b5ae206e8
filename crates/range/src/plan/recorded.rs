//! What is recorded of a range, and how each step changes that.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::{
    Plan, fingerprint,
    step::{Step, Work},
};
use crate::{
    document::Stage,
    expand::spec::{MachineSpec, NetworkSpec, RouterSpec, TaskSpec},
};

/// A recorded machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedMachine {
    /// What it is.
    pub spec: Arc<MachineSpec>,
    /// How far it came: `created`, `started` or `ready`.
    pub stage: Stage,
    /// Its snapshots, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub snapshots: BTreeMap<String, RecordedSnapshot>,
}

impl RecordedMachine {
    /// A machine that was created, and nothing more.
    #[must_use]
    pub const fn created(spec: Arc<MachineSpec>) -> Self {
        Self { spec, stage: Stage::Created, snapshots: BTreeMap::new() }
    }
}

/// What a machine was when a snapshot of it was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedSnapshot {
    /// What it was.
    pub spec: Arc<MachineSpec>,
    /// The tasks that had succeeded on it, each with a fingerprint of what was run.
    pub tasks: BTreeMap<String, String>,
}

/// A recorded task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordedTask {
    /// What was run.
    pub spec: Arc<TaskSpec>,
    /// The machines on which it succeeded.
    pub done_on: BTreeSet<String>,
}

/// What is recorded of a range; all names are concrete.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Recorded {
    /// Networks that exist.
    pub networks: BTreeMap<String, Arc<NetworkSpec>>,
    /// Machines that exist.
    pub machines: BTreeMap<String, RecordedMachine>,
    /// Routes and rules that are set, by machine.
    pub routers: BTreeMap<String, Arc<RouterSpec>>,
    /// Tasks that succeeded.
    pub tasks: BTreeMap<String, RecordedTask>,
    /// Instances in which packets proved who reaches whom, since their last change.
    pub verified: BTreeSet<String>,
    /// Networks and machines that exist, but whose last change did not complete.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub incomplete: BTreeSet<String>,
}

impl Recorded {
    /// Records that a step succeeded.
    pub fn apply(&mut self, step: &Step) {
        let name = step.name.as_str();
        let changes_no_path = matches!(
            step.work,
            Work::Verify
                | Work::ForgetTask
                | Work::RunTask { .. }
                | Work::TakeSnapshot { .. }
                | Work::RemoveSnapshot { .. }
        );
        if !changes_no_path {
            self.verified.remove(&step.instance);
        }
        match &step.work {
            Work::EnsureNetwork { network, .. } => {
                self.incomplete.remove(name);
                self.networks.insert(name.to_owned(), Arc::clone(network));
            }
            Work::RemoveNetwork { .. } => {
                self.incomplete.remove(name);
                self.networks.remove(name);
            }
            Work::EnsureMachine { machine, .. } => {
                self.incomplete.remove(name);
                let new = || RecordedMachine::created(Arc::clone(machine));
                let recorded = self.machines.entry(name.to_owned()).or_insert_with(new);
                recorded.spec = Arc::clone(machine);
            }
            Work::StartMachine => self.reach(name, Stage::Started),
            Work::StopMachine => self.reach(name, Stage::Created),
            Work::WaitMachine { .. } => self.reach(name, Stage::Ready),
            Work::RemoveMachine { .. } => {
                self.incomplete.remove(name);
                self.machines.remove(name);
                self.routers.remove(name);
                for task in self.tasks.values_mut() {
                    task.done_on.remove(name);
                }
            }
            Work::EnsureRules { router, .. } => {
                self.routers.insert(name.to_owned(), Arc::clone(router));
            }
            Work::RemoveRules { .. } => {
                self.routers.remove(name);
            }
            Work::RunTask { task, machines } => {
                let done_on = self.tasks.remove(name).map(|recorded| recorded.done_on).unwrap_or_default();
                let done_on = done_on.into_iter().chain(machines.iter().cloned()).collect();
                self.tasks.insert(name.to_owned(), RecordedTask { spec: Arc::clone(task), done_on });
            }
            Work::ForgetTask => {
                self.tasks.remove(name);
            }
            Work::Verify => {
                self.verified.insert(step.instance.clone());
            }
            Work::TakeSnapshot { snapshot } => self.take_snapshot(name, snapshot),
            Work::RevertSnapshot { snapshot } => self.revert(name, snapshot),
            Work::RemoveSnapshot { snapshot } => {
                if let Some(machine) = self.machines.get_mut(name) {
                    machine.snapshots.remove(snapshot);
                }
            }
        }
    }

    fn reach(&mut self, machine: &str, stage: Stage) {
        if let Some(recorded) = self.machines.get_mut(machine) {
            recorded.stage = stage;
        }
    }

    fn take_snapshot(&mut self, machine: &str, snapshot: &str) {
        let done = self.tasks.iter().filter(|(_, task)| task.done_on.contains(machine));
        let tasks = done.map(|(name, task)| (name.clone(), fingerprint::of_task(&task.spec))).collect();
        if let Some(recorded) = self.machines.get_mut(machine) {
            let spec = Arc::clone(&recorded.spec);
            recorded.snapshots.entry(snapshot.to_owned()).or_insert(RecordedSnapshot { spec, tasks });
        }
    }

    /// Tasks that have succeeded since are not done any more.
    fn revert(&mut self, machine: &str, snapshot: &str) {
        let Some(recorded) = self.machines.get_mut(machine) else { return };
        let Some(then) = recorded.snapshots.get(snapshot).cloned() else { return };
        recorded.spec = then.spec;
        recorded.stage = Stage::Created;
        for (name, task) in &mut self.tasks {
            if then.tasks.get(name) == Some(&fingerprint::of_task(&task.spec)) {
                task.done_on.insert(machine.to_owned());
            } else {
                task.done_on.remove(machine);
            }
        }
    }

    /// Does nothing exist?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.networks.is_empty()
            && self.machines.is_empty()
            && self.routers.is_empty()
            && self.tasks.is_empty()
    }
}

/// What is recorded once all steps of a plan have succeeded.
#[must_use]
pub fn apply_to(mut recorded: Recorded, plan: &Plan) -> Recorded {
    plan.steps.iter().for_each(|step| recorded.apply(step));
    recorded
}
