//! Machines of platforms: how they are reached, read without Ansible, and watched.

mod direct_reads;
pub(crate) mod error;
pub(crate) mod handle;
mod known;
pub(crate) mod options;
mod pollers;
pub(crate) mod watch;
