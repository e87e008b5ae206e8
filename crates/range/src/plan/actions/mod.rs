//! Plans of actions: starting, stopping, snapshots and verification of machines that exist.
//!
//! They are plans as that of a document: the same input results in the same plan, and [`Recorded::apply`] says what each step
//! leads to.

mod draft;
mod power;
mod request;
mod snapshots;

use std::collections::BTreeSet;

pub use self::request::{ActionError, RangeAction, Scope};
use self::{
    draft::{Drafts, chosen, no_undo},
    request::check_name,
};
use super::{
    Inputs, Plan, Recorded,
    assemble::{Subject, assemble},
    digest,
    recorded::RecordedMachine,
    step::{Action, StepKind, Work},
};

/// Makes the plan of an action on recorded machines.
///
/// # Errors
/// If a machine, an instance or a snapshot does not exist, or a machine cannot have or return to a snapshot.
pub fn action_plan(
    subject: Subject<'_>,
    recorded: &Recorded,
    action: &RangeAction,
    scope: &Scope,
    inputs: &Inputs<'_>,
) -> Result<Plan, ActionError> {
    let machines = chosen(recorded, scope)?;
    let mut drafts = Drafts::new(recorded, inputs);
    match action {
        RangeAction::Start => drafts.start_machines(&machines),
        RangeAction::Stop => drafts.stop_machines(&machines),
        RangeAction::Snapshot { snapshot } => {
            check_name(snapshot)?;
            drafts.take_snapshots(&machines, scope, snapshot)?;
        }
        RangeAction::Revert { snapshot } => drafts.revert_machines(&machines, scope, snapshot)?,
        RangeAction::RemoveSnapshot { snapshot } => drafts.remove_snapshots(&machines, scope, snapshot)?,
        RangeAction::Verify => drafts.verify_instances(subject.range, &machines),
    }
    let Drafts { steps, kept, .. } = drafts;
    let digest = digest::of_action(action, scope, recorded);
    let specs = || recorded.machines.values().map(|machine| &*machine.spec);
    Ok(assemble(
        subject,
        (steps, kept),
        (recorded.networks.len(), specs()),
        (recorded.networks.len(), specs()),
        digest,
        inputs,
    ))
}

impl<'a> Drafts<'a> {
    /// One step for each instance that these machines belong to.
    fn verify_instances(&mut self, range: &str, machines: &[&'a RecordedMachine]) {
        let mut seen = BTreeSet::new();
        for machine in machines.iter().filter(|machine| seen.insert(machine.spec.instance.as_str())) {
            let is_verified = self.recorded.verified.contains(&machine.spec.instance);
            let action = if is_verified { Action::Update } else { Action::Create };
            let undo = no_undo("sending packets changes nothing");
            let kind = (StepKind::Verify, action);
            let id = self.add(&machine.spec, kind, "it was requested", (Work::Verify, undo), None);
            let instance = &machine.spec.instance;
            self.steps[id as usize].name =
                if instance.is_empty() { range.to_owned() } else { instance.clone() };
        }
    }
}
