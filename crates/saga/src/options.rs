//! How a saga goes about its plan.

use std::time::Duration;

use crate::Backoff;

/// What follows when a step fails or the plan is canceled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFailure {
    /// All that the plan made is undone.
    Rollback,
    /// Everything stays, until the plan is resumed or rolled back by request.
    Keep,
}

/// What a run of a saga is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// Begins, or continues where the former holder stopped.
    Continue,
    /// By request: goes forward again after it ended, failed steps included.
    Resume,
    /// By request: undoes all that the plan made.
    Rollback,
}

/// Limits and times of a saga.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The most steps at once; 0 is taken as 1. Limits of classes apply besides.
    pub at_once: usize,
    /// How often a step is tried, and how often in a row a query can fail. 0 means 1.
    pub tries: u32,
    /// How long to wait before a call is repeated.
    pub backoff: Backoff,
    /// How long a platform can still carry out a call whose result is unknown. Before that, a look-up proves nothing.
    pub settle: Duration,
    /// What follows when a step fails or the plan is canceled.
    pub on_failure: OnFailure,
}
