//! The plan: the ordered difference between what is desired and what is recorded, as data.
//!
//! A pure function, the same for the same input byte for byte. Carried out, it leads to a state for which the plan is empty
//! ([`recorded::apply_to`] is that state).

mod actions;
mod assemble;
mod builder;
mod changes;
mod digest;
mod estimates;
mod fingerprint;
mod inputs;
mod path;
pub mod recorded;
mod result;
pub mod step;

use self::assemble::assemble;
pub use self::{
    actions::{ActionError, RangeAction, Scope, action_plan},
    assemble::Subject,
    estimates::{DurationKey, Estimates},
    inputs::{Inputs, Prices},
    recorded::{Recorded, RecordedMachine, RecordedSnapshot, RecordedTask, apply_to},
    result::{Cost, Destroyed, Kept, Plan},
    step::{Action, Change, Estimate, EstimateSource, Step, StepKind, Undo, UndoKind, Work},
};
use crate::expand::spec::Desired;

/// Makes the plan that leads from the recorded to the desired state.
#[must_use]
pub fn plan(desired: &Desired, recorded: &Recorded, inputs: &Inputs<'_>) -> Plan {
    let Desired { name, platform, on_failure, .. } = desired;
    assemble(
        Subject { range: name, platform, on_failure: *on_failure },
        builder::build(desired, recorded, inputs),
        (recorded.networks.len(), recorded.machines.values().map(|machine| &*machine.spec)),
        (desired.networks.len(), desired.machines.iter().map(|machine| &**machine)),
        digest::of(desired, recorded),
        inputs,
    )
}
