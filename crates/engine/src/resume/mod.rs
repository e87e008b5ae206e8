//! Resuming: a new attempt from the failed task on, for the hosts that need it.

pub(crate) mod handle;
pub(crate) mod plan;
mod trace;
