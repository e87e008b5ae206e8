//! The journal of a plan: how far each of its steps has come, and the one function that moves a step from one state to another.
//!
//! ```text
//!  pending --start--> started --succeed--> done ----.
//!     ^                |    |---fail--> failed ------|--undo--> undoing --reverse--> undone
//!     |              lose                            |             '-----leave-----> left --undo--> undoing
//!     |                v                             |
//!     |             unknown --start, succeed, fail   |
//!     |                '-----------------------------'
//!     '--reset-- undone       failed, undoing, left --lose--> unknown (before a plan is resumed)
//! ```
//! A step is `started` before the first call to its platform, so a step that is `pending` has changed nothing. `unknown` means
//! that a call was made and its result is not known: the platform must be queried before another call.

use serde::{Deserialize, Serialize};

use crate::text_enum;

text_enum! {
    /// How far a step of a plan has come.
    StepState {
        /// Nothing was done yet.
        Pending = "pending",
        /// A call is about to be made, or was made.
        Started = "started",
        /// It succeeded.
        Done = "done",
        /// It failed. Parts of it may exist.
        Failed = "failed",
        /// A call was made, and its result is not known.
        Unknown = "unknown",
        /// It is being undone.
        Undoing = "undoing",
        /// It is undone: nothing of it exists any more.
        Undone = "undone",
        /// It could not be undone.
        Left = "left",
    }
}

impl StepState {
    /// May the step have changed something that is not undone?
    #[must_use]
    pub const fn may_have_changed(self) -> bool {
        match self {
            Self::Pending | Self::Undone => false,
            Self::Started | Self::Done | Self::Failed | Self::Unknown | Self::Undoing | Self::Left => true,
        }
    }
}

/// What can happen to a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepMove {
    /// A call is about to be made.
    Start,
    /// The platform accepted the call and returned a handle.
    Accept,
    /// What the step is for exists.
    Succeed,
    /// It will not succeed.
    Fail,
    /// It is not known any more what exists.
    Lose,
    /// A call that undoes it is about to be made.
    Undo,
    /// Nothing of it exists any more.
    Reverse,
    /// It cannot be undone.
    Leave,
    /// It is to be carried out again after it was undone.
    Reset,
}

impl StepMove {
    /// Every move.
    pub const ALL: &'static [Self] = &[
        Self::Start,
        Self::Accept,
        Self::Succeed,
        Self::Fail,
        Self::Lose,
        Self::Undo,
        Self::Reverse,
        Self::Leave,
        Self::Reset,
    ];

    const fn verb(self) -> &'static str {
        match self {
            Self::Start => "be started",
            Self::Accept => "be accepted by a platform",
            Self::Succeed => "succeed",
            Self::Fail => "fail",
            Self::Lose => "become unknown",
            Self::Undo => "be undone",
            Self::Reverse => "be recorded as undone",
            Self::Leave => "be left",
            Self::Reset => "be reset",
        }
    }
}

/// A move that the state does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a step that is {from} cannot {}", .input.verb())]
pub struct IllegalMove {
    /// The state of the step.
    pub from: StepState,
    /// The move.
    pub input: StepMove,
}

/// The only way from one state to another.
///
/// # Errors
/// The move, if the state does not allow it.
pub const fn apply(from: StepState, input: StepMove) -> Result<StepState, IllegalMove> {
    use StepState::{Done, Failed, Left, Pending, Started, Undoing, Undone, Unknown};
    match (from, input) {
        (Pending | Unknown, StepMove::Start) | (Started, StepMove::Accept) => Ok(Started),
        (Started | Unknown, StepMove::Succeed) => Ok(Done),
        (Started | Unknown, StepMove::Fail) => Ok(Failed),
        (Started | Failed | Undoing | Left, StepMove::Lose) => Ok(Unknown),
        (Done | Failed | Unknown | Left, StepMove::Undo) => Ok(Undoing),
        (Undoing, StepMove::Reverse) => Ok(Undone),
        (Undoing, StepMove::Leave) => Ok(Left),
        (Undone, StepMove::Reset) => Ok(Pending),
        (
            Pending | Started | Done | Failed | Unknown | Undoing | Undone | Left,
            StepMove::Start
            | StepMove::Accept
            | StepMove::Succeed
            | StepMove::Fail
            | StepMove::Lose
            | StepMove::Undo
            | StepMove::Reverse
            | StepMove::Leave
            | StepMove::Reset,
        ) => Err(IllegalMove { from, input }),
    }
}

text_enum! {
    /// Which way a plan goes.
    JournalPhase {
        /// Its steps are carried out.
        Forward = "forward",
        /// Its steps are undone.
        Back = "back",
        /// Nothing happens until the plan is resumed or rolled back by request.
        Ended = "ended",
    }
}

/// What is recorded of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// How far it has come.
    pub state: StepState,
    /// The ownership tag by which what the step makes is found. It is recorded before the first call.
    pub tag: String,
    /// What the platform returned for an operation that it had not finished.
    pub handle: Option<String>,
    /// What the step returned, for later steps.
    pub output: Option<String>,
    /// Why the step is `failed`, `unknown` or `left`.
    pub why: Option<String>,
    /// How to remove by hand what is `left`.
    pub remedy: Option<String>,
    /// How long the step took until it was `done`, in milliseconds.
    pub took_ms: Option<u64>,
}

impl JournalEntry {
    /// Of a step that has not begun.
    #[must_use]
    pub const fn pending(tag: String) -> Self {
        Self {
            state: StepState::Pending,
            tag,
            handle: None,
            output: None,
            why: None,
            remedy: None,
            took_ms: None,
        }
    }
}

/// A change of what is recorded of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalChange {
    /// The place of the step in its plan, from 0.
    pub step: u32,
    /// The recorded state, from which it moves.
    pub from: StepState,
    /// What is recorded from now on.
    pub entry: JournalEntry,
}

/// All that is recorded of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalRecord {
    /// Which way it goes.
    pub phase: JournalPhase,
    /// Its steps, in order.
    pub entries: Vec<JournalEntry>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reached(from: StepState, moves: &[StepMove]) -> Vec<StepState> {
        let mut reached = vec![from];
        let mut next = 0;
        while let Some(&state) = reached.get(next) {
            next += 1;
            for input in moves {
                if let Ok(to) = apply(state, *input)
                    && !reached.contains(&to)
                {
                    reached.push(to);
                }
            }
        }
        reached
    }

    #[test]
    fn the_allowed_moves_are_these() {
        let mut allowed = Vec::new();
        for from in StepState::ALL {
            for input in StepMove::ALL {
                match apply(*from, *input) {
                    Ok(to) => allowed.push(format!("{from} {input:?} {to}")),
                    Err(refusal) => assert_eq!(refusal, IllegalMove { from: *from, input: *input }),
                }
            }
        }
        let expected = [
            "pending Start started",
            "started Accept started",
            "started Succeed done",
            "started Fail failed",
            "started Lose unknown",
            "done Undo undoing",
            "failed Lose unknown",
            "failed Undo undoing",
            "unknown Start started",
            "unknown Succeed done",
            "unknown Fail failed",
            "unknown Undo undoing",
            "undoing Lose unknown",
            "undoing Reverse undone",
            "undoing Leave left",
            "undone Reset pending",
            "left Lose unknown",
            "left Undo undoing",
        ];
        assert_eq!(allowed, expected);
    }

    #[test]
    fn every_state_that_may_have_changed_something_can_still_be_undone_or_resumed() {
        for state in StepState::ALL {
            let back = reached(*state, &[StepMove::Lose, StepMove::Undo, StepMove::Reverse]);
            assert!(!state.may_have_changed() || back.contains(&StepState::Undone), "{state}");
            assert!(reached(*state, StepMove::ALL).contains(&StepState::Done), "{state}");
        }
    }

    #[test]
    fn nothing_comes_back_to_pending_but_what_is_undone() {
        for state in StepState::ALL {
            for input in StepMove::ALL {
                let is_reset = apply(*state, *input) == Ok(StepState::Pending);
                assert_eq!(is_reset, (*state, *input) == (StepState::Undone, StepMove::Reset));
            }
        }
    }

    #[test]
    fn a_refusal_names_the_state_and_the_move() {
        let refusal = apply(StepState::Done, StepMove::Start).expect_err("refused");
        assert_eq!(refusal.to_string(), "a step that is done cannot be started");
    }
}
