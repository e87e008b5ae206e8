//! The door to Ansible.
//!
//! It is given names and values and gives events and an outcome; it knows no HTTP, no SQL and no jobs.

pub mod catalog;
pub mod cgroup;
pub mod command;
pub mod configuration;
pub mod confine;
pub mod content;
pub mod diagnose;
pub mod event;
pub mod extract;
pub mod follow;
mod home;
pub mod inventory;
mod json_lines;
pub mod launch;
pub mod log_text;
mod output_limit;
pub mod process;
mod programs;
mod reasons;
pub mod run_directory;
mod run_inputs;
pub mod run_loop;
pub mod run_spec;
pub mod runtime;
pub mod sandbox;
pub mod search_path;
pub mod shipped;
pub mod spool;
mod steps;
pub mod stream;
pub mod supervisor;
pub mod toolchain;
mod tree_group;
mod untrusted;
mod usage;
pub mod vault;
mod warm;
pub mod workspace;

pub use catalog::Catalog;
pub use follow::{Follower, Progress};
pub use inventory::Inventory;
pub use launch::Launcher;
pub use run_directory::RunDirectory;
pub use run_spec::{Limits, RunSpec, RunStep};
pub use sandbox::Sandbox;
pub use search_path::SearchPath;
pub use toolchain::Toolchain;
pub use tree_group::limits_by_kernel;
pub use warm::Hosts;
