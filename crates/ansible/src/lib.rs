//! Runs of Ansible: supervised processes, their events and their outcomes.
//!
//! It is given names and values and gives events and an outcome; it knows no HTTP, no SQL and no jobs.

pub mod events;
mod forkserver;
mod run;

pub use events::{Follower, Progress};
pub use forkserver::Hosts;
pub use run::{
    Facts, GeneratedInventory, Launcher, PlaybookOptions, RunDirectory, RunSpec, RunStep, SshMachine, Way,
    Workspace, runtime, ssh_config_path, supervisor,
};
