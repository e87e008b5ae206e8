//! The warnings of a job's last attempt.

use model::{Event, EventKind, Job, Warning};
use serde::Serialize;
use store::EventQuery;

use super::handle::Events;
use crate::error::JobError;

/// The most warnings that are shown of a job.
const MOST_WARNINGS: usize = 100;
/// The most events of the kind that are looked at: complaints of Ansible are of the same kind.
const MOST_LOOKED_AT: u32 = 1_000;

/// A warning as a job shows it. Complaints of Ansible have no code, and are in the log.
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
        let query = EventQuery { kind: Some(EventKind::WARNING), ..EventQuery::after(begun, MOST_LOOKED_AT) };
        let events = self.store().events(job.id, &query).await?;
        Ok(events.iter().filter_map(ShownWarning::of).take(MOST_WARNINGS).collect())
    }
}
