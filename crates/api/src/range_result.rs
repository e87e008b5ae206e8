//! How far a job came with the plan of a range.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How far the plan of a range came
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RangeResult {
    /// Number of steps of the plan
    pub steps: u32,
    /// Number of steps that are done
    pub done: u32,
    /// Steps that failed
    pub failed: Vec<FailedPlanStep>,
    /// Steps that could not be undone
    pub left: Vec<LeftPlanStep>,
}

/// A step that failed
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FailedPlanStep {
    /// Its place in the plan, from 0
    pub step: u32,
    /// Its kind, such as `machine.ensure`
    pub kind: String,
    /// The machine, network, or task that it is about
    pub name: String,
    /// Why it failed
    pub why: String,
}

/// A step that could not be undone
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeftPlanStep {
    /// Its place in the plan, from 0
    pub step: u32,
    /// Its kind, such as `machine.ensure`
    pub kind: String,
    /// The machine, network, or task that it is about
    pub name: String,
    /// What remains, and why
    pub why: String,
    /// How to remove it by hand
    pub remedy: String,
}
