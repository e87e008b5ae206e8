//! A run: from its specification to its outcome, under a supervisor.
//!
//! The service starts a supervisor (`launch.rs`) and follows the run by the files in its directory (`directory.rs`); the
//! supervisor (`supervisor.rs`) has Ansible executed for each step and writes the outcome.

mod beginning;
mod cause;
pub(crate) mod command;
mod connections;
pub(crate) mod directory;
mod generated;
mod generated_files;
mod inputs;
mod launch;
mod overridden;
mod reasons;
mod run_loop;
pub mod runtime;
mod sandbox_hints;
pub(crate) mod spec;
mod ssh_config;
mod start;
mod steps;
pub mod supervisor;
mod workspace;

pub use directory::RunDirectory;
pub use generated::{GeneratedInventory, SshMachine, Way, ssh_config_path};
pub use launch::Launcher;
pub use spec::{Facts, PlaybookOptions, RunSpec, RunStep};
pub use workspace::Workspace;
