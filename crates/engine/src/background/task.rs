//! What a background task is.

use std::time::Duration;

use super::error::TaskError;

/// What a task is called, and what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct About {
    /// Its name in the API and in metrics.
    pub(crate) name: &'static str,
    /// What it does, in a sentence without a full stop.
    pub(crate) summary: &'static str,
}

/// When a task is activated without a nudge.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Schedule {
    /// How long after one activation the timer activates it again.
    pub(crate) period: Duration,
    /// Whether it is activated at the start, too; otherwise first after a period.
    pub(crate) at_start: bool,
    /// How long after one activation a nudge can activate it again.
    pub(crate) min_gap: Duration,
}

/// A background task.
pub(crate) trait Task: Send + Sync + 'static {
    /// Its name and summary.
    const ABOUT: About;

    /// Does whatever there is to do; returns how many items it processed.
    ///
    /// # Errors
    /// What keeps it from that. The driver logs it, and activates the task again.
    fn activate(&self) -> impl Future<Output = Result<u64, TaskError>> + Send;
}

impl Schedule {
    /// At the start, and every so often after that.
    pub(crate) const fn from_start(period: Duration) -> Self {
        Self { period, at_start: true, min_gap: Duration::ZERO }
    }

    /// Every so often, first after a period.
    pub(crate) const fn every(period: Duration) -> Self {
        Self { period, at_start: false, min_gap: Duration::ZERO }
    }
}
