//! Machines of platforms: credentials, reads without Ansible, and watching.

mod direct_reads;
pub(crate) mod error;
pub(crate) mod handle;
mod known;
pub(crate) mod options;
mod pollers;
pub(crate) mod watch;
