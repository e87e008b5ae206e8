//! The warnings of a job's last attempt.

use model::{Event, EventKind, Job, Warning};
use serde::Serialize;
use store::EventQuery;

use super::handle::Events;
use crate::error::JobError;

/// Maximum number of warnings that are shown per job.
const MAX_WARNINGS: usize = 100;
/// Maximum number of events that are read. Warnings that Ansible prints are events of the same kind.
const MAX_EVENTS: u32 = 1_000;

/// A warning as a job shows it. Warnings that Ansible prints have no code and appear only in the log.
#[derive(Debug, Serialize)]
pub struct ShownWarning {
    #[serde(flatten)]
    warning: Warning,
    /// The number of its event.
    event: u64,
}

impl ShownWarning {
    fn of(event: &Event) -> Option<Self> {
        Some(Self { warning: event.draft.read()?, event: event.seq })
    }
}

impl Events {
    /// The warnings of a job's last attempt, in order; at most 100.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn warnings(&self, job: &Job) -> Result<Vec<ShownWarning>, JobError> {
        let begun = match job.attempt {
            0 => return Ok(Vec::new()),
            1 => 0,
            _ => self.last_claim(job).await?.unwrap_or(0),
        };
        let query = EventQuery { kind: Some(EventKind::WARNING), ..EventQuery::after(begun, MAX_EVENTS) };
        let events = self.store().events(job.id, &query).await?;
        Ok(events.iter().filter_map(ShownWarning::of).take(MAX_WARNINGS).collect())
    }
}
