//! Cancels jobs.

use model::{Code, Job, JobId, JobState, Phase, Reason, job_state::Move};

use super::handle::Jobs;
use crate::error::JobError;

impl Jobs {
    /// Requests the cancellation of a job. A queued job is canceled at once. For a running job, its processes are
    /// stopped first, and the job stays `canceling` until none is left. Its children are canceled with it.
    /// Repeating the request is not an error.
    ///
    /// # Errors
    /// When the job does not exist, or it has ended in another state.
    pub async fn cancel(&self, id: JobId) -> Result<Job, JobError> {
        let job = self.get(id).await?;
        if matches!(job.state, JobState::Canceled | JobState::Canceling) {
            self.stop_if_canceling(&job).await?;
            return Ok(job);
        }
        let reason = match job.state {
            JobState::Queued => {
                Reason::new(Some(Phase::Validate), Code::Canceled, "canceled before it was begun")
            }
            _ => Reason::new(None, Code::Canceling, "its processes are being terminated"),
        };
        match self.inner().transitions.apply(job, Move::Cancel, &reason, None).await {
            // The job was claimed between the read and the transition, so cancel the new claim.
            Err(error) if error.is_stale() => Box::pin(self.cancel(id)).await,
            Ok(job) => {
                self.stop_if_canceling(&job).await?;
                Ok(job)
            }
            Err(error) => Err(error),
        }
    }

    async fn stop_if_canceling(&self, job: &Job) -> Result<(), JobError> {
        if let (JobState::Canceling, Some(run)) = (job.state, job.run) {
            self.inner().controls.of(job.request.work.kind()).ask_to_stop(run);
            self.cancel_children(job.id).await?;
        }
        Ok(())
    }

    /// Cancels the unfinished children of a job that is being canceled, and their children.
    pub(crate) async fn cancel_children(&self, parent: JobId) -> Result<(), JobError> {
        for child in self.inner().store.unfinished_children(parent).await? {
            match Box::pin(self.cancel(child)).await {
                // The child has ended in the meantime.
                Ok(_) | Err(JobError::Refused(_) | JobError::UnknownJob(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
