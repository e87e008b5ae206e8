//! Background tasks: their names, schedules, and the trait that they implement.

use std::time::Duration;

use super::error::TaskError;

/// The name and the description of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct About {
    /// Its name in the API and in metrics.
    pub(crate) name: &'static str,
    /// A description of one sentence, without a full stop.
    pub(crate) summary: &'static str,
}

/// When a task is activated without a nudge.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Schedule {
    /// Time between the end of one activation and the next activation by the timer.
    pub(crate) period: Duration,
    /// Whether the task also runs at startup. Otherwise it first runs after one period.
    pub(crate) at_start: bool,
    /// Minimum time between an activation and one that is caused by a nudge.
    pub(crate) min_gap: Duration,
}

/// A background task.
pub(crate) trait Task: Send + Sync + 'static {
    /// Its name and summary.
    const ABOUT: About;

    /// Processes everything that is due; returns the number of processed items.
    ///
    /// # Errors
    /// When the activation fails. The driver logs the error, and activates the task again.
    fn activate(&self) -> impl Future<Output = Result<u64, TaskError>> + Send;
}

impl Schedule {
    /// At startup, and then once per period.
    pub(crate) const fn from_start(period: Duration) -> Self {
        Self { period, at_start: true, min_gap: Duration::ZERO }
    }

    /// Once per period, the first time after one period.
    pub(crate) const fn every(period: Duration) -> Self {
        Self { period, at_start: false, min_gap: Duration::ZERO }
    }
}
