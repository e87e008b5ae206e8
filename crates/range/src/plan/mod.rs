//! The plan: the ordered difference between what is desired and what is recorded, as data.
//!
//! A pure function, the same for the same input byte for byte. Carried out, it leads to a state for which the plan is empty
//! ([`recorded::apply_to`] is that state).

mod builder;
mod changes;
mod digest;
mod estimates;
mod inputs;
mod path;
pub mod recorded;
mod result;
pub mod step;

pub use self::{
    estimates::{Estimates, subject},
    inputs::{Inputs, Prices},
    recorded::{Recorded, RecordedMachine, RecordedTask, apply_to},
    result::{Cost, Destroyed, Kept, Plan},
    step::{Action, Change, Estimate, EstimateSource, Step, StepKind, Undo, UndoKind, Work},
};
use crate::{
    expand::spec::{Desired, MachineSpec},
    platform_rules::{PlatformRules, Totals},
};

/// Makes the plan that leads from the recorded to the desired state.
#[must_use]
pub fn plan(desired: &Desired, recorded: &Recorded, inputs: &Inputs<'_>) -> Plan {
    let (steps, kept) = builder::build(desired, recorded, inputs);
    let mut steps = path::ordered(steps);
    let (critical_path, duration_ms) = path::critical(&mut steps);
    let before = totals(
        recorded.networks.len(),
        recorded.machines.values().map(|machine| &*machine.spec),
        inputs.rules,
    );
    let after =
        totals(desired.networks.len(), desired.machines.iter().map(|machine| &**machine), inputs.rules);
    let cost = inputs.prices.map(|prices| Cost {
        currency: prices.currency.clone(),
        before: price(&before, prices),
        after: price(&after, prices),
    });
    Plan {
        range: desired.name.clone(),
        platform: desired.platform.clone(),
        on_failure: desired.on_failure,
        destroyed: destroyed(&steps),
        steps,
        kept,
        critical_path,
        duration_ms,
        before,
        after,
        cost,
        digest: digest::of(desired, recorded),
    }
}

fn totals<'a>(
    networks: usize,
    machines: impl Iterator<Item = &'a MachineSpec>,
    rules: &PlatformRules,
) -> Totals {
    let mut totals = Totals { networks: networks as u64, ..Totals::default() };
    for machine in machines {
        let asked = (machine.cores, machine.memory_mb, machine.disk_gb);
        let (cores, memory, disk) = rules.resources(machine.kind, machine.template.as_deref(), asked);
        totals.machines += 1;
        totals.cores += cores;
        totals.memory_mb += memory;
        totals.disk_gb += disk;
    }
    totals
}

const fn price(totals: &Totals, prices: &Prices) -> u64 {
    let memory = totals.memory_mb.saturating_mul(prices.memory_gb) / 1024;
    let (cores, disk) =
        (totals.cores.saturating_mul(prices.core), totals.disk_gb.saturating_mul(prices.disk_gb));
    cores.saturating_add(memory).saturating_add(disk)
}

fn destroyed(steps: &[Step]) -> Vec<Destroyed> {
    let removes = |step: &&Step| matches!(step.kind, StepKind::MachineRemove | StepKind::NetworkRemove);
    let destroyed = |step: &Step| Destroyed {
        kind: step.kind,
        name: step.name.clone(),
        replaced: step.action == Action::Replace,
        reason: step.reason.to_string(),
    };
    steps.iter().filter(removes).map(destroyed).collect()
}
