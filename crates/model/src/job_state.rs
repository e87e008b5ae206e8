//! The states of a job and the one function that moves between them.
//!
//! ```text
//!  queued --claim--> running --exit 0--> succeeded
//!    |  <-never began-' |  |---exit != 0-> failed        any end --retry--> queued
//!  cancel            cancel |---limit--> timed_out
//!    v                 v    '--owner gone--> lost
//!  canceled        canceling --no process left--> canceled
//! ```
//! A run that finishes by itself while it is being canceled keeps its own outcome.

use crate::{Ending, text_enum};

text_enum! {
    /// Where a job is in its life.
    JobState {
        /// Accepted and stored; waits for a worker.
        Queued = "queued",
        /// A run is active.
        Running = "running",
        /// The run is being terminated by request.
        Canceling = "canceling",
        /// Every step succeeded.
        Succeeded = "succeeded",
        /// A step failed.
        Failed = "failed",
        /// Terminated at a time limit.
        TimedOut = "timed_out",
        /// Ended by request; no process of it is left.
        Canceled = "canceled",
        /// Its run vanished without an outcome.
        Lost = "lost",
    }
}

impl JobState {
    /// Is this an end? Only a retry leads on from it.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        match self {
            Self::Queued | Self::Running | Self::Canceling => false,
            Self::Succeeded | Self::Failed | Self::TimedOut | Self::Canceled | Self::Lost => true,
        }
    }
}

/// An event in the life of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    /// A worker takes it.
    Claim,
    /// A client requests a cancel.
    Cancel,
    /// Its run is over.
    End(Ending),
    /// A new attempt of the same request.
    Retry,
    /// Its run ended before Ansible was executed, and can't execute it anymore.
    Requeue,
}

/// A move that the state does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a job that is {from} cannot {}", refused_verb(.input))]
pub struct InvalidTransition {
    /// The state the job was in.
    pub from: JobState,
    /// The requested transition.
    pub input: Move,
}

const fn refused_verb(input: &Move) -> &'static str {
    match input {
        Move::Claim => "be claimed",
        Move::Cancel => "be canceled",
        Move::End(_) => "end",
        Move::Retry => "be retried",
        Move::Requeue => "be queued again",
    }
}

/// The only way from one state to another.
///
/// # Errors
/// The move, when the state does not allow it.
pub const fn apply(from: JobState, input: Move) -> Result<JobState, InvalidTransition> {
    use JobState::{Canceled, Canceling, Failed, Lost, Queued, Running, Succeeded, TimedOut};
    match (from, input) {
        (Queued, Move::Claim) => Ok(Running),
        (Queued, Move::Cancel) => Ok(Canceled),
        (Running, Move::Cancel) => Ok(Canceling),
        // A job that is being canceled is canceled instead.
        (Running, Move::Requeue) => Ok(Queued),
        (Running | Canceling, Move::End(ending)) => Ok(match ending {
            Ending::Succeeded => Succeeded,
            Ending::Failed => Failed,
            Ending::TimedOut => TimedOut,
            Ending::Canceled => Canceled,
            Ending::Lost => Lost,
        }),
        (Succeeded | Failed | TimedOut | Canceled | Lost, Move::Retry) => Ok(Queued),
        (
            Queued | Running | Canceling | Succeeded | Failed | TimedOut | Canceled | Lost,
            Move::Claim | Move::Cancel | Move::End(_) | Move::Retry | Move::Requeue,
        ) => Err(InvalidTransition { from, input }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_move() -> Vec<Move> {
        let ends = Ending::ALL.iter().copied().map(Move::End);
        [Move::Claim, Move::Cancel, Move::Retry, Move::Requeue].into_iter().chain(ends).collect()
    }

    #[test]
    fn every_state_that_is_no_end_has_a_way_to_an_end() {
        for &state in JobState::ALL {
            let mut reached = vec![state];
            let mut next = 0;
            while let Some(&from) = reached.get(next) {
                next += 1;
                for input in every_move() {
                    if let Ok(to) = apply(from, input)
                        && !reached.contains(&to)
                    {
                        reached.push(to);
                    }
                }
            }
            assert!(reached.iter().any(|state| state.is_terminal()), "{state} is a dead end");
        }
    }

    #[test]
    fn an_ended_job_moves_only_by_a_retry() {
        for &state in JobState::ALL.iter().filter(|state| state.is_terminal()) {
            for input in every_move() {
                assert_eq!(apply(state, input).is_ok(), input == Move::Retry, "{state} {input:?}");
            }
        }
    }

    #[test]
    fn only_a_running_job_is_queued_again_because_it_never_began() {
        for &state in JobState::ALL {
            let moved = apply(state, Move::Requeue).ok();
            assert_eq!(moved, (state == JobState::Running).then_some(JobState::Queued), "{state}");
        }
    }

    #[test]
    fn a_run_that_ends_while_it_is_canceled_keeps_its_own_ending() {
        assert_eq!(apply(JobState::Canceling, Move::End(Ending::Succeeded)), Ok(JobState::Succeeded));
    }
}
