//! The work of carrying out a plan of a range, and its result.

use serde::{Deserialize, Serialize};

use crate::{PlanId, RangeId, text_enum};

text_enum! {
    /// What a job does with the plan of a range.
    RangeGoal {
        /// Carries it out.
        Apply = "apply",
        /// Carries out the steps that are missing after it ended early.
        Resume = "resume",
        /// Undoes what it created.
        Rollback = "rollback",
    }
}

/// Carries out a plan of a range, or undoes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RangeWork {
    /// The name of the range.
    pub name: String,
    /// The range.
    pub range: RangeId,
    /// The plan.
    pub plan: PlanId,
    /// What is done with it.
    pub goal: RangeGoal,
}

/// How far a plan came.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RangeDetail {
    /// The number of steps of the plan.
    pub steps: u32,
    /// The number of steps that are done.
    pub done: u32,
    /// Steps that failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<FailedPlanStep>,
    /// Steps that could not be undone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<LeftPlanStep>,
}

/// A step that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedPlanStep {
    /// Its place in the plan, from 0.
    pub step: u32,
    /// Its kind, such as `machine.ensure`.
    pub kind: String,
    /// The machine, network, or task that it is about.
    pub name: String,
    /// Why it failed.
    pub why: String,
}

/// A step that could not be undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftPlanStep {
    /// Its place in the plan, from 0.
    pub step: u32,
    /// Its kind, such as `machine.ensure`.
    pub kind: String,
    /// The machine, network, or task that it is about.
    pub name: String,
    /// What remains, and why.
    pub why: String,
    /// How to remove it by hand.
    pub remedy: String,
}
