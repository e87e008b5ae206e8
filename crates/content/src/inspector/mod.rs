//! Evaluates content outside of a run, to list its tasks or hosts. All such evaluations happen here.
//!
//! ```text
//! service --specification, then nothing--> inspector (our own program) --> Ansible, confined as a run is
//!         <------------ answer ----------
//! ```
//! `ansible-playbook --list-tasks` and `ansible-inventory` execute no task, but lookups, plugins, and inventory programs of the
//! content. So they get what a run gets: a supervisor that finds every descendant, limits, a clock, and the sandbox. In
//! contrast to a run an inspection is of no use without the service: when the pipe from the service closes, for whatever
//! reason, the inspector ends all that it started, and itself.

mod answer;
mod process;
mod service;
mod spec;

pub use answer::Ending;
pub use process::main;
pub use service::{Inspector, Turn};

pub(crate) use answer::Answer;
pub(crate) use service::What;

/// The command of our program that is an inspector.
pub const COMMAND: &str = "inspect";
