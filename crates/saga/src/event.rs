//! What a saga reports while it runs.

use std::time::Duration;

use model::{JournalPhase, StepState};

/// Something that happened. A move of a step is reported once it is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A step moved.
    Moved {
        /// The step.
        step: u32,
        /// Its kind.
        kind: String,
        /// The machine, network or task that it is about.
        subject: String,
        /// Its former state.
        from: StepState,
        /// Its state.
        to: StepState,
        /// Why it failed, is unknown or left.
        why: Option<String>,
    },
    /// A call is repeated later.
    Repeats {
        /// The step.
        step: u32,
        /// Its kind.
        kind: String,
        /// The machine, network or task that it is about.
        subject: String,
        /// After which time.
        after: Duration,
        /// Why.
        why: String,
    },
    /// The plan goes another way.
    Phase(JournalPhase),
}
