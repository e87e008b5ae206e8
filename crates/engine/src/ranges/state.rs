//! What exists of a range: as recorded at the end of its last plan, and as the journal of a plan shows since.

use std::collections::BTreeSet;

use model::{JournalEntry, StepState, StoredRange};
use platform::Observed;
use range::{
    Plan, Recorded,
    document::Stage,
    plan::{RecordedMachine, Step, Work},
};
use serde::de::DeserializeOwned;
use store::Store;

use super::{error::RangeError, request::StoredDocument};

/// A range as it is stored, in types.
#[derive(Debug, Clone)]
pub(crate) struct RangeData {
    pub(crate) stored: StoredRange,
    pub(crate) document: StoredDocument,
    /// What existed when its last plan began.
    pub(crate) recorded: Recorded,
}

impl RangeData {
    pub(crate) fn read(stored: StoredRange) -> Result<Self, RangeError> {
        let document = read("document", &stored.document)?;
        let recorded = read("state", &stored.recorded)?;
        Ok(Self { stored, document, recorded })
    }
}

/// Reads JSON that is stored.
pub(crate) fn read<T: DeserializeOwned>(what: &'static str, json: &str) -> Result<T, RangeError> {
    serde_json::from_str(json).map_err(|source| RangeError::Unreadable { what, source })
}

/// What exists of a range now, the completed steps of a plan that has not ended included.
pub(crate) async fn current(store: &Store, range: &RangeData) -> Result<Recorded, RangeError> {
    let mut recorded = range.recorded.clone();
    if range.stored.state != model::RangeState::Changing {
        return Ok(recorded);
    }
    if let (Some(stored), Some(journal)) =
        (store.plan(range.stored.plan).await?, store.journal(range.stored.plan).await?)
    {
        let plan: Plan = read("plan", &stored.plan)?;
        for (step, _) in with_state(&plan, &journal.entries, |state| state == StepState::Done) {
            recorded.apply(step);
        }
    }
    Ok(recorded)
}

/// Names of what a platform has of a range.
#[derive(Debug, Default)]
pub(crate) struct Existing {
    networks: BTreeSet<String>,
    machines: BTreeSet<String>,
}

impl Existing {
    /// Everything that a plan is about, where the platform can't be asked.
    pub(crate) fn all(plan: &Plan) -> Self {
        let mut existing = Self::default();
        for step in &plan.steps {
            match step.work {
                Work::EnsureNetwork { .. } | Work::RemoveNetwork { .. } => {
                    existing.networks.insert(step.name.clone());
                }
                Work::EnsureMachine { .. } | Work::RemoveMachine { .. } => {
                    existing.machines.insert(step.name.clone());
                }
                _ => {}
            }
        }
        existing
    }

    pub(crate) fn of(observed: &Observed) -> Self {
        Self {
            networks: observed.networks.iter().map(|network| network.name.clone()).collect(),
            machines: observed.machines.iter().map(|machine| machine.name.clone()).collect(),
        }
    }
}

/// What exists once a plan has ended. `existing` decides about steps whose result isn't known.
pub(crate) fn settled(
    mut recorded: Recorded,
    plan: &Plan,
    entries: &[JournalEntry],
    existing: &Existing,
) -> Recorded {
    let undone: Vec<_> = with_state(plan, entries, |state| state == StepState::Undone).collect();
    undone.iter().rev().for_each(|(step, _)| revert(&mut recorded, step));
    for (step, entry) in plan.steps.iter().zip(entries) {
        match entry.state {
            StepState::Done => recorded.apply(step),
            StepState::Pending | StepState::Undone => {}
            StepState::Started
            | StepState::Failed
            | StepState::Unknown
            | StepState::Undoing
            | StepState::Left => settle_uncertain(&mut recorded, step, existing),
        }
    }
    recorded
}

/// Records that nothing of a step exists any more, or that what it changed is as before.
fn revert(recorded: &mut Recorded, step: &Step) {
    let name = step.name.as_str();
    recorded.verified.remove(&step.instance);
    match &step.work {
        Work::EnsureNetwork { before: None, .. } => {
            recorded.networks.remove(name);
        }
        Work::EnsureNetwork { before: Some(network), .. } | Work::RemoveNetwork { network } => {
            recorded.networks.insert(name.to_owned(), network.clone());
        }
        Work::EnsureMachine { before: None, .. } => {
            recorded.machines.remove(name);
            recorded.routers.remove(name);
            for task in recorded.tasks.values_mut() {
                task.done_on.remove(name);
            }
        }
        Work::EnsureMachine { before: Some(machine), .. } | Work::RemoveMachine { machine } => {
            let new = || RecordedMachine::created(machine.clone());
            let recorded = recorded.machines.entry(name.to_owned()).or_insert_with(new);
            recorded.spec.clone_from(machine);
        }
        Work::StartMachine | Work::StopMachine => {
            let stage = if matches!(step.work, Work::StartMachine) { Stage::Created } else { Stage::Started };
            if let Some(machine) = recorded.machines.get_mut(name) {
                machine.stage = stage;
            }
        }
        Work::EnsureRules { before: None, .. } => {
            recorded.routers.remove(name);
        }
        Work::EnsureRules { before: Some(router), .. } | Work::RemoveRules { router } => {
            recorded.routers.insert(name.to_owned(), router.clone());
        }
        Work::RunTask { machines, .. } => {
            // What the task did is unknown now, so it runs again.
            if let Some(task) = recorded.tasks.get_mut(name) {
                machines.iter().for_each(|machine| {
                    task.done_on.remove(machine);
                });
            }
        }
        Work::TakeSnapshot { snapshot } => {
            if let Some(machine) = recorded.machines.get_mut(name) {
                machine.snapshots.remove(snapshot);
            }
        }
        Work::WaitMachine { .. }
        | Work::RevertSnapshot { .. }
        | Work::RemoveSnapshot { .. }
        | Work::ForgetTask
        | Work::Verify => {}
    }
}

/// Records a step that may have been carried out, or a part of it.
fn settle_uncertain(recorded: &mut Recorded, step: &Step, existing: &Existing) {
    let name = step.name.as_str();
    match &step.work {
        Work::EnsureNetwork { network, .. } => {
            if existing.networks.contains(name) {
                recorded.networks.insert(name.to_owned(), network.clone());
                recorded.incomplete.insert(name.to_owned());
            } else {
                recorded.networks.remove(name);
            }
        }
        Work::EnsureMachine { machine, .. } => {
            if existing.machines.contains(name) {
                let snapshots = recorded.machines.remove(name).map(|known| known.snapshots);
                let machine = RecordedMachine {
                    snapshots: snapshots.unwrap_or_default(),
                    ..RecordedMachine::created(machine.clone())
                };
                recorded.machines.insert(name.to_owned(), machine);
                recorded.incomplete.insert(name.to_owned());
            } else {
                recorded.machines.remove(name);
            }
        }
        Work::RemoveNetwork { .. } if !existing.networks.contains(name) => recorded.apply(step),
        Work::RemoveMachine { .. } if !existing.machines.contains(name) => recorded.apply(step),
        Work::StartMachine | Work::StopMachine | Work::WaitMachine { .. } => {
            // The machine is started again, or waited for again, by the next plan.
            if let Some(machine) = recorded.machines.get_mut(name) {
                machine.stage = Stage::Created;
            }
        }
        // Tasks that succeeded since the snapshot run again: that is safer than to skip them.
        Work::RevertSnapshot { .. } => recorded.apply(step),
        Work::EnsureRules { .. } | Work::RemoveRules { .. } => {
            recorded.routers.remove(name);
        }
        _ => {}
    }
}

fn with_state<'a>(
    plan: &'a Plan,
    entries: &'a [JournalEntry],
    is_wanted: impl Fn(StepState) -> bool + 'a,
) -> impl Iterator<Item = (&'a Step, &'a JournalEntry)> {
    plan.steps.iter().zip(entries).filter(move |(_, entry)| is_wanted(entry.state))
}
