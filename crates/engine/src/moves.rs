//! Moving a job to another state: the rule is the model's, the record the store's.

use std::time::Duration;

use jiff::Timestamp;
use model::{Draft, Job, JobId, JobState, Outcome, Reason, Resume, StateChange, job_state};
use store::JobMove;

use crate::{Engine, clock, jobs::Error};

/// The first pause before the store is asked again; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The event that tells of a move.
pub(crate) fn state_event(from: Option<JobState>, to: JobState, reason: &Reason, now: Timestamp) -> Draft {
    Draft::own(now, &StateChange { from, to, reason: reason.clone() })
}

impl Engine {
    /// Moves a job under its present claim. When somebody moved it first, the rule is asked again with the new
    /// state; when somebody claimed it anew, the job is no longer ours to move.
    ///
    /// # Errors
    /// [`Error::Refused`] when the state does not allow it, [`store::Error::Stale`] when the claim is over.
    pub(crate) async fn move_job(
        &self,
        job: Job,
        input: job_state::Move,
        reason: &Reason,
        outcome: Option<&Outcome>,
    ) -> Result<Job, Error> {
        self.move_job_to(job, input, reason, outcome, None).await
    }

    /// The same, with what narrows the attempt that a retry queues.
    pub(crate) async fn move_job_to(
        &self,
        mut job: Job,
        input: job_state::Move,
        reason: &Reason,
        outcome: Option<&Outcome>,
        resume: Option<&Resume>,
    ) -> Result<Job, Error> {
        loop {
            let to = job_state::apply(job.state, input)?;
            // A run may have ended while no service was there to see it.
            let now = outcome.map_or_else(clock::now, |outcome| outcome.finished_at);
            let event = state_event(Some(job.state), to, reason, now);
            let (id, from, fence) = (job.id, job.state, job.fence);
            let wipes_secrets = to.is_terminal() && !job.runs_again_after(to);
            let job_move =
                JobMove { id, from, fence, to, now, reason, outcome, resume, wipes_secrets, event: &event };
            match self.store().move_job(&job_move).await {
                Ok(moved) => {
                    tracing::info!(job.id = %job.id, from = %job.state, to = %to, code = %reason.code, "job moved");
                    self.inner.live.tell(job.id);
                    return Ok(moved);
                }
                Err(store::Error::Stale { .. }) => {
                    let now = self.job(job.id).await?;
                    if now.fence != job.fence || now.state == job.state {
                        return Err(store::Error::Stale { job: job.id }.into());
                    }
                    job = now;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Lets a worker ask the store until it answers: what a run did is not lost because a database was away for a
/// while.
#[derive(Debug)]
pub(crate) struct Patience {
    job: JobId,
    pause: Duration,
}

impl Patience {
    /// For work on this job.
    pub(crate) const fn new(job: JobId) -> Self {
        Self { job, pause: FIRST_PAUSE }
    }

    /// Waits a while, longer each time, before the store is asked again.
    ///
    /// # Errors
    /// The error itself, when asking again cannot cure it.
    pub(crate) async fn after(&mut self, error: impl Into<Error>) -> Result<(), Error> {
        match error.into() {
            Error::Store(error) if !matches!(error, store::Error::Stale { .. }) => {
                let error = &error as &(dyn std::error::Error + Send + Sync);
                tracing::warn!(job.id = %self.job, %error, "the store failed; trying again");
            }
            other => return Err(other),
        }
        self.pause().await;
        Ok(())
    }

    /// Waits a while, longer each time.
    pub(crate) async fn pause(&mut self) {
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }
}
