//! Playbooks: a supervisor runs Ansible, and this process follows it.
//!
//! The supervisor and its spool do not need this process: it may end at any moment, and the process that follows the run next
//! continues with the first event that is not stored.

pub(crate) mod control;
pub(crate) mod execution;
pub(crate) mod never_began;
pub(crate) mod options;
pub(crate) mod runs;
pub(crate) mod spec;
mod sweep;
