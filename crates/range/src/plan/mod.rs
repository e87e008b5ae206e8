//! The plan: the ordered difference between what is desired and what is recorded, as data.
//!
//! A pure function, the same for the same input byte for byte. Carried out, it leads to a state for which the plan is empty
//! ([`recorded::apply_to`] is that state).

mod builder;
mod changes;
mod digest;
mod estimates;
mod path;
pub mod recorded;
pub mod step;

use serde::{Deserialize, Serialize};

pub use self::{
    estimates::{Estimates, subject},
    recorded::{Recorded, RecordedMachine, RecordedTask, apply_to},
    step::{Action, Change, Estimate, EstimateSource, Step, StepKind, Undo, UndoKind, Work},
};
use crate::{
    expand::spec::{Desired, MachineSpec},
    platform_rules::{PlatformRules, Totals},
};

/// Prices per hour in millionths of the currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prices {
    /// The currency, such as `EUR`.
    pub currency: String,
    /// Of a CPU core.
    pub core: u64,
    /// Of a GiB of memory.
    pub memory_gb: u64,
    /// Of a GiB of disk.
    pub disk_gb: u64,
}

/// What a range costs per hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cost {
    /// The currency.
    pub currency: String,
    /// What the recorded range costs, in millionths.
    pub before: u64,
    /// What the desired range costs, in millionths.
    pub after: u64,
}

/// What a plan is made with besides the desired and the recorded state.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// What the platform accepts.
    pub rules: &'a PlatformRules,
    /// How long steps take.
    pub estimates: &'a Estimates,
    /// The price list, if there is one.
    pub prices: Option<&'a Prices>,
}

/// What stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// Networks.
    pub networks: Vec<String>,
    /// Machines.
    pub machines: Vec<String>,
    /// Routers whose routes and rules stay.
    pub routers: Vec<String>,
    /// Tasks that are not run.
    pub tasks: Vec<String>,
}

/// Something whose data is lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Destroyed {
    /// The kind of the step that removes it.
    pub kind: StepKind,
    /// Its concrete name.
    pub name: String,
    /// Is it created again?
    pub replaced: bool,
    /// Why.
    pub reason: String,
}

/// A plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// The range.
    pub range: String,
    /// The platform.
    pub platform: String,
    /// The steps in an order that respects their needs.
    pub steps: Vec<Step>,
    /// What stays as it is.
    pub kept: Kept,
    /// The steps that decide how long the plan takes.
    pub critical_path: Vec<u32>,
    /// How long the plan takes if nothing but needs makes steps wait.
    pub duration_ms: u64,
    /// What the recorded range uses.
    pub before: Totals,
    /// What the desired range uses.
    pub after: Totals,
    /// What the range costs, if there is a price list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
    /// Machines and networks that are removed.
    pub destroyed: Vec<Destroyed>,
    /// Names the desired state and the recorded state that the plan was made from, as a SHA-256 in hexadecimal.
    pub digest: String,
}

impl Plan {
    /// Is there nothing to do?
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }
}

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
