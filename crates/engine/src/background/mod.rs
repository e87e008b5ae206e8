//! Background tasks: loops that a timer and nudges activate.
//!
//! ```text
//!  timer --.
//!           >-- driver: activate, record --> status: `GET /v1/background-tasks`, `/metrics`
//!  nudge --'
//! ```
//! A task takes no input: an activation reads the store or the disk and processes everything that is due. A lost
//! nudge therefore only delays work, and the next activation makes up for one that failed. Each file here contains
//! one task; `compose.rs` registers it.

pub(crate) mod driver;
pub(crate) mod error;
pub(crate) mod keep;
pub(crate) mod listen_for_changes;
pub(crate) mod prune_audit;
pub(crate) mod prune_files;
pub(crate) mod prune_history;
pub(crate) mod relay_cancellations;
pub(crate) mod renew_leases;
pub(crate) mod requeue_retries;
pub(crate) mod status;
pub(crate) mod take_over_jobs;
pub(crate) mod task;
pub(crate) mod tend_ranges;
