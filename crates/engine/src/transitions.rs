//! State transitions of jobs. The rules are in the `model` crate, and the store records the result.

use jiff::Timestamp;
use model::{Draft, Job, JobState, Outcome, Reason, Resume, StateChange, job_state};
use store::{JobMove, Store};

use crate::{changes::Changes, clock, error::JobError};

/// The event of a transition.
pub(crate) fn state_event(from: Option<JobState>, to: JobState, reason: &Reason, now: Timestamp) -> Draft {
    Draft::own(now, &StateChange { from, to, reason: reason.clone() })
}

/// Moves jobs from state to state; clones are cheap.
#[derive(Debug, Clone)]
pub(crate) struct Transitions {
    store: Store,
    changes: Changes,
}

impl Transitions {
    pub(crate) const fn new(store: Store, changes: Changes) -> Self {
        Self { store, changes }
    }

    /// Moves a job to another state under its current claim. If another process moved it first, the rule is applied
    /// again to the new state. If another process claimed it, the claim has ended.
    ///
    /// # Errors
    /// [`JobError::Refused`] when the state does not allow it, [`store::Error::Stale`] when the claim has ended.
    pub(crate) async fn apply(
        &self,
        job: Job,
        input: job_state::Move,
        reason: &Reason,
        outcome: Option<&Outcome>,
    ) -> Result<Job, JobError> {
        self.apply_narrowed(job, input, reason, outcome, None).await
    }

    /// Like [`Self::apply`], with the restrictions of the attempt that a retry queues.
    ///
    /// # Errors
    /// As [`Self::apply`].
    pub(crate) async fn apply_narrowed(
        &self,
        mut job: Job,
        input: job_state::Move,
        reason: &Reason,
        outcome: Option<&Outcome>,
        resume: Option<&Resume>,
    ) -> Result<Job, JobError> {
        loop {
            let to = job_state::apply(job.state, input)?;
            // A run may have ended while no service was running.
            let now = outcome.map_or_else(clock::now, |outcome| outcome.finished_at);
            let event = state_event(Some(job.state), to, reason, now);
            let (id, from, fence) = (job.id, job.state, job.fence);
            let wipes_secrets = to.is_terminal() && !job.runs_again_after(to);
            let job_move =
                JobMove { id, from, fence, to, now, reason, outcome, resume, wipes_secrets, event: &event };
            match self.store.move_job(&job_move).await {
                Ok(moved) => {
                    tracing::info!(job.id = %job.id, from = %job.state, to = %to, code = %reason.code, "job moved");
                    self.changes.publish(job.id);
                    return Ok(moved);
                }
                Err(store::Error::Stale { .. }) => {
                    let now = self.store.job(id).await?.ok_or(JobError::UnknownJob(id))?;
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
