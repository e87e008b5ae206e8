//! The door to Ansible.
//!
//! It is given names and values and gives events and an outcome; it knows no HTTP, no SQL and no jobs.

mod beginning;
pub mod command;
mod complaints;
mod details;
pub mod diagnose;
pub mod event;
pub mod extract;
mod failure_text;
pub mod follow;
mod json_lines;
pub mod launch;
mod overridden;
mod prompts;
mod reasons;
pub mod run_directory;
mod run_inputs;
pub mod run_loop;
pub mod run_spec;
pub mod runtime;
mod sandbox_hints;
mod shown;
pub mod spool;
mod start;
mod steps;
pub mod stream;
pub mod supervisor;
mod warm;
pub mod work;
pub mod workspace;

pub use follow::{Follower, Progress};
pub use launch::Launcher;
pub use run_directory::RunDirectory;
pub use run_spec::{RunSpec, RunStep};
pub use warm::Hosts;
