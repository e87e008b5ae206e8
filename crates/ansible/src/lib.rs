//! Runs of Ansible: supervised processes, their events, and their outcomes.
//!
//! This crate takes names and values, and returns events and an outcome. It doesn't know HTTP, SQL, or jobs.

pub mod events;
mod forkserver;
mod run;

pub use events::{Follower, Progress};
pub use forkserver::ForkServers;
pub use run::{
    Facts, GeneratedInventory, Launcher, PlaybookOptions, RunDirectory, RunSpec, RunStep, SshMachine, Way,
    Workspace, runtime, ssh_config_path, supervisor,
};
