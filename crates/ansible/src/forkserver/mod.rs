//! Ansible imported once for many runs.
//!
//! ```text
//! service --start--> host (Python, imports Ansible) --fork--> supervisor --what to run--> its child, forked too
//! ```
//! A host belongs to one Python and one environment, because Ansible reads its settings while it is imported. It runs
//! nothing itself: it forks, and what it forked becomes a supervisor by executing our program, with a child that waits
//! with Ansible imported; both are there before a run needs them. So the supervisor is what it always is, and what runs
//! Ansible is its own child. Whatever goes wrong here, there is the other way: the supervisor starts ansible-runner.

mod host;
mod hosts;
mod interpreter;
mod message;
mod program;
pub(crate) mod sandbox;
mod waiting;

pub use hosts::Hosts;
pub(crate) use interpreter::Interpreter;
pub(crate) use waiting::{Begun, Refusal, Request, Spare, Waiting};
