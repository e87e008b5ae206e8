//! Events of jobs: list, follow, and read as a log.

pub(crate) mod following;
pub(crate) mod handle;
pub(crate) mod last_run;
pub(crate) mod log;
pub(crate) mod warnings;
