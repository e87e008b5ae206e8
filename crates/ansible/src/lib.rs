//! The door to Ansible.
//!
//! It is given names and values and gives events and an outcome; it knows no HTTP, no SQL and no jobs.

mod beginning;
pub mod catalog;
pub mod command;
mod complaints;
pub mod configuration;
pub mod content;
mod details;
pub mod diagnose;
pub mod event;
pub mod extract;
mod failure_text;
pub mod follow;
pub mod inspector;
pub mod inventory;
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
pub mod search_path;
pub mod shipped;
mod shown;
pub mod spool;
mod start;
mod steps;
pub mod stream;
pub mod supervisor;
pub mod toolchain;
pub mod vault;
mod warm;
pub mod work;
pub mod workspace;

pub use catalog::Catalog;
pub use configuration::Configuration;
pub use follow::{Follower, Progress};
pub use inspector::Inspector;
pub use inventory::Inventory;
pub use launch::Launcher;
pub use run_directory::RunDirectory;
pub use run_spec::{RunSpec, RunStep};
pub use search_path::SearchPath;
pub use toolchain::Toolchain;
pub use warm::Hosts;
