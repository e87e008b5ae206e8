//! Completes a plan: order, critical path, totals, cost, and what is destroyed.

use super::{
    inputs::{Inputs, Prices},
    path,
    result::{Cost, Destroyed, Kept, Plan},
    step::{Action, Step, StepKind},
};
use crate::{
    document::OnFailure,
    expand::spec::MachineSpec,
    platform_rules::{PlatformRules, Totals},
};

/// What a plan is about.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The range.
    pub range: &'a str,
    /// The platform.
    pub platform: &'a str,
    /// What happens when a step fails.
    pub on_failure: OnFailure,
}

/// A plan of these steps; `before` and `after` are the number of networks, and the machines.
pub(super) fn assemble<'a>(
    subject: Subject<'_>,
    (steps, kept): (Vec<Step>, Kept),
    before: (usize, impl Iterator<Item = &'a MachineSpec>),
    after: (usize, impl Iterator<Item = &'a MachineSpec>),
    digest: String,
    inputs: &Inputs<'_>,
) -> Plan {
    let mut steps = path::ordered(steps);
    path::boot_meanwhile(&mut steps);
    let (critical_path, duration_ms) = path::critical(&mut steps);
    let before = totals(before.0, before.1, inputs.rules);
    let after = totals(after.0, after.1, inputs.rules);
    let cost = inputs.prices.map(|prices| Cost {
        currency: prices.currency.clone(),
        before: price(&before, prices),
        after: price(&after, prices),
    });
    Plan {
        range: subject.range.to_owned(),
        platform: subject.platform.to_owned(),
        on_failure: subject.on_failure,
        destroyed: destroyed(&steps),
        steps,
        kept,
        critical_path,
        duration_ms,
        before,
        after,
        cost,
        digest,
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
    let destroys = |step: &&Step| {
        matches!(
            step.kind,
            StepKind::MachineRemove
                | StepKind::NetworkRemove
                | StepKind::SnapshotRevert
                | StepKind::SnapshotRemove
        )
    };
    let destroyed = |step: &Step| Destroyed {
        kind: step.kind,
        name: step.name.clone(),
        replaced: step.action == Action::Replace,
        reason: step.reason.to_string(),
    };
    steps.iter().filter(destroys).map(destroyed).collect()
}
