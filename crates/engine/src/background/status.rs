//! The status of background tasks, for the API and for metrics.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tokio::time::Instant;

use super::task::About;
use crate::clock;

/// The background tasks of this process; clones share their status.
#[derive(Debug, Clone)]
pub struct Background(Arc<[Arc<Recorder>]>);

/// Status of a task since this process started.
#[derive(Debug, Clone)]
pub struct TaskStatus {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub summary: &'static str,
    /// Time between the end of one activation and the next activation by the timer.
    pub period: Duration,
    /// How many activations ended.
    pub activations: u64,
    /// How many of them failed.
    pub failures: u64,
    /// Start of the activation that is running, if any.
    pub running_since: Option<Timestamp>,
    /// The last activation that has ended.
    pub last: Option<Activation>,
}

/// An activation that ended.
#[derive(Debug, Clone)]
pub struct Activation {
    /// What activated the task.
    pub cause: Cause,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took.
    pub duration: Duration,
    /// The number of processed items, or the error message.
    pub result: Result<u64, String>,
}

/// What activates a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The start of the service.
    Start,
    /// Its timer.
    Timer,
    /// A nudge.
    Nudge,
}

impl Background {
    pub(crate) fn new(recorders: Vec<Arc<Recorder>>) -> Self {
        Self(recorders.into())
    }

    /// All tasks, in a fixed order.
    #[must_use]
    pub fn tasks(&self) -> Vec<TaskStatus> {
        self.0.iter().map(|recorder| recorder.status()).collect()
    }
}

/// Records the activations of one task.
#[derive(Debug)]
pub(crate) struct Recorder(Mutex<TaskStatus>);

/// An activation that is running.
#[derive(Debug)]
pub(crate) struct Started {
    cause: Cause,
    at: Timestamp,
    instant: Instant,
}

impl Recorder {
    pub(crate) const fn new(about: About, period: Duration) -> Self {
        let About { name, summary } = about;
        let (activations, failures, running_since, last) = (0, 0, None, None);
        Self(Mutex::new(TaskStatus { name, summary, period, activations, failures, running_since, last }))
    }

    /// Records the start of an activation.
    pub(crate) fn begin(&self, cause: Cause) -> Started {
        let at = clock::now();
        self.locked().running_since = Some(at);
        Started { cause, at, instant: Instant::now() }
    }

    /// Records the end of an activation.
    pub(crate) fn end(&self, started: &Started, result: Result<u64, String>) {
        let mut status = self.locked();
        status.running_since = None;
        status.activations += 1;
        status.failures += u64::from(result.is_err());
        let duration = started.instant.elapsed();
        status.last = Some(Activation { cause: started.cause, started_at: started.at, duration, result });
    }

    fn status(&self) -> TaskStatus {
        self.locked().clone()
    }

    fn locked(&self) -> MutexGuard<'_, TaskStatus> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
