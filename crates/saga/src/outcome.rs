//! How a run of a saga ended.

use model::{JournalEntry, StepState};

/// How a plan ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// All steps are done.
    Succeeded,
    /// Not all steps are done, and what was made stays. It can be resumed or rolled back.
    Kept,
    /// All that the plan made is undone.
    Clean,
    /// It was undone, except for some steps.
    Left,
}

/// A step that failed, or whose result is unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedStep {
    /// The step.
    pub step: u32,
    /// Why.
    pub why: String,
}

/// A step that could not be undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftStep {
    /// The step.
    pub step: u32,
    /// What remains, and why.
    pub why: String,
    /// How to remove it by hand.
    pub remedy: String,
}

/// How a run of a saga ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// How the plan ended.
    pub ending: Ending,
    /// Was it canceled before its end?
    pub canceled: bool,
    /// Steps that failed, undone ones included.
    pub failures: Vec<FailedStep>,
    /// Steps that could not be undone.
    pub left: Vec<LeftStep>,
}

impl Outcome {
    /// What the entries of a journal amount to once nothing happens any more.
    #[must_use]
    pub fn of(entries: &[JournalEntry], canceled: bool) -> Self {
        let all = |allowed: &[StepState]| entries.iter().all(|entry| allowed.contains(&entry.state));
        let ending = if all(&[StepState::Done]) {
            Ending::Succeeded
        } else if all(&[StepState::Pending, StepState::Undone]) {
            Ending::Clean
        } else if all(&[StepState::Pending, StepState::Undone, StepState::Left]) {
            Ending::Left
        } else {
            Ending::Kept
        };
        let steps = || (0..).zip(entries);
        let failure = |(step, entry): (u32, &JournalEntry)| match (entry.state, &entry.why) {
            (StepState::Left, _) | (_, None) => None,
            (_, Some(why)) => Some(FailedStep { step, why: why.clone() }),
        };
        let left = |(step, entry): (u32, &JournalEntry)| {
            let text = |text: &Option<String>| text.clone().unwrap_or_default();
            (entry.state == StepState::Left).then(|| LeftStep {
                step,
                why: text(&entry.why),
                remedy: text(&entry.remedy),
            })
        };
        Self {
            ending,
            canceled: canceled && ending != Ending::Succeeded,
            failures: steps().filter_map(failure).collect(),
            left: steps().filter_map(left).collect(),
        }
    }
}
