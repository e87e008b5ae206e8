//! Makes the steps of a plan and their needs.
//!
//! Steps come in this order: tasks that are forgotten, removals, networks, machines, routers, tasks, verification. Needs of what
//! exists already are met, so only steps of the plan are named.

mod draft;
mod machines;
mod needs;
mod networks;
mod routers;
mod tasks;
mod verify;

use std::collections::HashSet;

use self::draft::Builder;
use super::{Inputs, Kept, changes::Effect, recorded::Recorded, step::Step};
use crate::expand::spec::Desired;

/// The steps, numbered as they stand, and what stays.
pub(super) fn build(desired: &Desired, recorded: &Recorded, inputs: &Inputs<'_>) -> (Vec<Step>, Kept) {
    let mut builder = Builder::new(desired, recorded, inputs);
    builder.forget_tasks();
    let networks = builder.network_changes();
    let replaced_networks: HashSet<&str> = networks
        .iter()
        .filter(|(_, changes)| {
            changes.as_ref().is_some_and(|changes| changes.effect == Some(Effect::Replace))
        })
        .map(|(network, _)| network.name.as_str())
        .collect();
    let fates = builder.fates(&replaced_networks);
    builder.remove_machines(&fates);
    builder.remove_networks(&replaced_networks, &networks);
    builder.ensure_networks(networks);
    builder.ensure_machines(fates);
    builder.routers();
    builder.machine_needs();
    builder.detach_before_removal();
    builder.tasks();
    builder.verify();
    (builder.steps, builder.kept)
}
