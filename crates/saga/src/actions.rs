//! The calls of a saga that drive a platform: four per step, and their results.

use std::time::Duration;

use model::JournalEntry;

/// Why a call failed, by what can be done about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Not carried out for a reason that passes: a lock, a limit of calls, a platform that is away.
    #[error("{why}")]
    Retry {
        /// Not before this time, if the platform names one.
        after: Option<Duration>,
        /// The reason.
        why: String,
    },
    /// Refused for a reason that does not pass.
    #[error("{why}")]
    Refused {
        /// The reason.
        why: String,
    },
    /// What the call is about does not exist.
    #[error("{why}")]
    Gone {
        /// The reason.
        why: String,
    },
    /// Whether it was carried out is not known: no answer, or an answer that cannot be interpreted. A name that is taken is also this,
    /// unless it is known to be taken by something foreign, which is [`Self::Refused`].
    #[error("{why}")]
    Unknown {
        /// The reason.
        why: String,
    },
}

/// What a platform returned for a call that it carries out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is carried out. What it returned is kept in the journal.
    Done(Option<String>),
    /// It is being carried out; the handle is what to wait for.
    Accepted(String),
}

/// What exists under the tag of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Absent,
    /// Something else than what the step is for: a part of it, or its former state.
    Wrong,
    /// What the step is for; it is adopted. What it returned is kept in the journal.
    Right(Option<String>),
}

/// What became of an attempt to undo a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undo {
    /// Nothing of the step exists any more: the platform was queried.
    Undone,
    /// There is no way to undo it.
    Left {
        /// What remains, and why.
        why: String,
        /// How to remove it by hand.
        remedy: String,
    },
}

/// Drives platforms for the steps of one plan.
///
/// A dropped call may be carried out all the same. No method may change anything that does not carry the tag of the step.
pub trait Actions: Sync {
    /// Carries out a step: creates what does not exist, corrects what is [`Found::Wrong`]. `found` is the result of
    /// [`Self::look_up`] right before, if that was called. It is called again only after a look-up.
    fn perform(
        &self,
        step: u32,
        found: Option<&Found>,
    ) -> impl Future<Output = Result<Answer, Failure>> + Send;

    /// Waits until the platform has carried out an accepted operation. [`Failure::Gone`] if the platform no longer knows the
    /// handle; [`Failure::Refused`] if the operation failed.
    fn wait(&self, step: u32, handle: &str) -> impl Future<Output = Result<Option<String>, Failure>> + Send;

    /// Searches by tag for what a step creates. Changes nothing.
    fn look_up(&self, step: u32) -> impl Future<Output = Result<Found, Failure>> + Send;

    /// Undoes a step, however far it came, and returns once the platform proves it. If the entry has the handle of an operation
    /// that is not known to have ended, waits for its end first. Safe to repeat.
    fn undo(&self, step: u32, entry: &JournalEntry) -> impl Future<Output = Result<Undo, Failure>> + Send;

    /// How to remove by hand what a step makes.
    fn remedy(&self, step: u32) -> String;

    /// The plan is canceled while this step runs: its call can end early. Its result is still used.
    fn cancel(&self, _step: u32) {}
}
