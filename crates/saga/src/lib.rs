//! Carries out the steps of a plan and survives crashes: each step is recorded in a journal before and after its calls, so the
//! next holder knows what can exist.
//!
//! ```text
//!  Graph (steps, needs, classes) --> Board: decides --changes--> Journal (durable) --then--> Actions (platforms)
//!                                      ^                                                        |
//!                                      '------------------------- replies ---------------------'
//! ```
//! The crate knows no platform, no database, no Ansible, and no range. Time is that of tokio, which tests and simulations can
//! pause. Randomness is an argument.
//!
//! # States
//! The states of a step and its transitions are those of [`model::journal`]. A plan goes `forward`, `back`, or has `ended`. It
//! turns back when a step fails or the plan is canceled and [`OnFailure::Rollback`] is set, or by request. Before that, running
//! steps end.
//!
//! # Journal
//! One row per step: state, ownership tag, the platform's handle of an unfinished operation, output, reason, how to remove what
//! remains, duration. One more row has the phase. Each write contains all decisions since the last one, and is atomic, under
//! the fencing token of the holder. A call is made only after the write that records it:
//!
//! | before | durable |
//! | --- | --- |
//! | a call that creates or changes | `started` with the tag |
//! | waiting for an operation that the platform accepted | its handle |
//! | a step that needs this one | `done` with the output |
//! | a call that undoes | `undoing`, and the phase `back` |
//!
//! # Guarantees
//! - A step begins after all that it needs is done, and is undone after all that needs it is undone or left.
//! - No more steps than allowed run at once, in all and in each class; of those that can begin, the one with the longest remaining path does.
//! - A call that creates is repeated only after a look-up by tag, whatever it returned. After a crash, or a call without an answer, the
//!   look-up waits until the call cannot be carried out any more ([`Options::settle`]).
//! - What a look-up finds and is right is adopted. A step is found only by its tag, and [`Actions`] change nothing without it.
//! - Each call has a limit of time, each step a limit of tries. Nothing is repeated indefinitely.
//! - After a rollback every step is `undone`, `left` with its remedy, or never began.
//! - Dropping the run at any moment loses only the replies of calls in progress.
//!
//! Not guaranteed: a platform that carries out a call later than `settle`, or that answers a look-up with a state from before
//! the call. Both depend on the platform; `settle` must account for them.

mod actions;
mod backoff;
mod board;
mod event;
mod graph;
mod journal;
mod options;
mod outcome;
mod progress;
mod ready;
mod replies;
mod run;

pub use actions::{Actions, Answer, Failure, Found, Undo};
pub use backoff::Backoff;
pub use event::Event;
pub use graph::{BadGraph, Class, Graph, Step};
pub use journal::{Journal, MemoryError, MemoryJournal};
pub use options::{Goal, OnFailure, Options};
pub use outcome::{Ending, FailedStep, LeftStep, Outcome};
pub use progress::{Progress, Waiting};
pub use run::{Error, Handle, Saga};
