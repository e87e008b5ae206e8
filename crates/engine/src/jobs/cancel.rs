//! Ending a job by request.

use model::{Code, Job, JobId, JobState, Phase, Reason, job_state::Move};

use super::handle::Jobs;
use crate::error::JobError;

impl Jobs {
    /// Asks for the end of a job. One that waits is canceled at once; of one that runs the processes are ended
    /// first, and it is `canceling` until none is left. Its children are canceled with it. Asking again is no error.
    ///
    /// # Errors
    /// When there is no such job, or it has ended otherwise.
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
            // It was claimed between the read and the move: the claim is what is canceled now.
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

    /// Cancels what is left of the children of a job that is being canceled, and theirs.
    pub(crate) async fn cancel_children(&self, parent: JobId) -> Result<(), JobError> {
        for child in self.inner().store.unfinished_children(parent).await? {
            match Box::pin(self.cancel(child)).await {
                // It ended meanwhile.
                Ok(_) | Err(JobError::Refused(_) | JobError::UnknownJob(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
