//! Retries with backoff, so that the events and the outcome of a run survive an outage of the database.

use std::time::Duration;

use model::JobId;

use crate::error::JobError;

/// The first pause before another attempt; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Pauses between attempts to process a job, each twice as long as the one before.
#[derive(Debug)]
pub(crate) struct Backoff {
    job: JobId,
    pause: Duration,
}

impl Backoff {
    /// A backoff for this job.
    pub(crate) const fn new(job: JobId) -> Self {
        Self { job, pause: FIRST_PAUSE }
    }

    /// Pauses after a failure of the store.
    ///
    /// # Errors
    /// The error itself, when another attempt cannot succeed.
    pub(crate) async fn after(&mut self, error: impl Into<JobError>) -> Result<(), JobError> {
        match error.into() {
            JobError::Store(error) if !matches!(error, store::Error::Stale { .. }) => {
                let error = &error as &(dyn std::error::Error + Send + Sync);
                tracing::warn!(job.id = %self.job, %error, "the store failed; trying again");
            }
            other => return Err(other),
        }
        self.pause().await;
        Ok(())
    }

    /// Pauses, longer each time.
    pub(crate) async fn pause(&mut self) {
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }
}
