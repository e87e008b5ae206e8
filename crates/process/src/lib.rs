//! Processes and their confinement.
//!
//! Trees of processes that are ended and counted, control groups and limits, sandboxes with their system call filter, and what
//! a process does to itself before it becomes another program. It doesn't know what the programs are for, nor Ansible.

pub mod cgroup;
pub mod confine;
mod connection_files;
pub mod descriptors;
pub mod home;
mod identity;
mod isolation;
mod limits;
pub mod log_text;
pub mod mounts;
pub mod orphans;
pub mod output_limit;
pub mod programs;
mod protections;
pub mod sandbox;
pub mod scope;
pub mod scratch;
pub mod seccomp;
mod stop;
mod tree;
mod tree_group;
pub mod untrusted;
pub mod usage;

pub use connection_files::is_connection_file;
pub use identity::{Identity, boot_id};
pub use isolation::Isolation;
pub use limits::{Excess, Limits};
pub use orphans::MARKER;
pub use protections::Protection;
pub use sandbox::Sandbox;
pub use stop::Stop;
pub use tree::{
    Ended, Keepers, NoneLeft, TreeKill, end_everything, family_of, left_running, lists_children,
    reap_children,
};
pub use tree_group::{TreeGroup, Version as GroupVersion, limits_by_kernel};
