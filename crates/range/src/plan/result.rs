//! The plan as data: its steps, what stays, what is lost, what it costs.

use serde::{Deserialize, Serialize};

use super::step::{Step, StepKind};
use crate::{document::OnFailure, platform_rules::Totals};

/// What a range costs per hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// The currency.
    pub currency: String,
    /// What the recorded range costs, in millionths.
    pub before: u64,
    /// What the desired range costs, in millionths.
    pub after: u64,
}

/// What stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The range.
    pub range: String,
    /// The platform.
    pub platform: String,
    /// What happens when a step fails.
    pub on_failure: OnFailure,
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
    /// Machines, networks and snapshots that are removed, and machines that are reverted.
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
