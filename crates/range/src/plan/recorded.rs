//! What is recorded of a range, and how each step changes that.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::{
    Plan,
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
        if !matches!(step.work, Work::Verify | Work::ForgetTask | Work::RunTask { .. }) {
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
                let stage = self.machines.get(name).map_or(Stage::Created, |recorded| recorded.stage);
                self.machines.insert(name.to_owned(), RecordedMachine { spec: Arc::clone(machine), stage });
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
        }
    }

    fn reach(&mut self, machine: &str, stage: Stage) {
        if let Some(recorded) = self.machines.get_mut(machine) {
            recorded.stage = stage;
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
