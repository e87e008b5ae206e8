//! Resume: a new attempt that starts at the failed task, for the hosts that need it.

pub(crate) mod handle;
pub(crate) mod plan;
mod trace;
