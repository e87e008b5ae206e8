//! Evaluates content outside of a run, to list its tasks or hosts. All such evaluations happen here.
//!
//! ```text
//! service --specification, then nothing--> inspector (the Rangehand program) --> Ansible, confined as a run is
//!         <------------ answer ----------
//! ```
//! `ansible-playbook --list-tasks` and `ansible-inventory` execute no task, but lookups, plugins, and inventory programs of the
//! content. So they get what a run gets: a supervisor that finds every descendant, limits, a timeout, and the sandbox. Unlike a
//! run, an inspection is useless without the service: when the pipe from the service closes for any reason, the inspector
//! terminates all that it started, and exits.

mod answer;
mod process;
mod service;
mod spec;

pub use answer::Ending;
pub use process::main;
pub use service::{Inspector, Turn};

pub(crate) use answer::Answer;
pub(crate) use service::Invocation;

/// The command of the Rangehand program that starts an inspector.
pub const COMMAND: &str = "inspect";
