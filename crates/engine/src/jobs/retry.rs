//! Retries jobs: a new attempt of the same request, on request or by the retry policy.

use model::{Code, Job, JobId, Reason, Resume, job_state::Move};

use super::handle::Jobs;
use crate::error::JobError;

impl Jobs {
    /// Queues a job that has ended again. `resume` narrows the new attempt.
    ///
    /// # Errors
    /// When the job does not exist, has not ended, or its secrets were deleted.
    pub async fn retry(&self, id: JobId, resume: Option<Resume>) -> Result<Job, JobError> {
        loop {
            match self.retry_as_known(id, resume.as_ref()).await {
                // Another request queued the job between the read and the transition, and it was claimed. Its new
                // state decides.
                Err(error) if error.is_stale() && resume.is_none() => {}
                ended => return ended,
            }
        }
    }

    /// Like [`Self::retry`]; returns [`store::Error::Stale`] when the job was queued and claimed in the meantime.
    async fn retry_as_known(&self, id: JobId, resume: Option<&Resume>) -> Result<Job, JobError> {
        let job = self.get(id).await?;
        if job.state.is_terminal() && job.lacks_secrets() {
            return Err(JobError::SecretsGone(id));
        }
        let reason =
            Reason::new(None, Code::Waiting, format!("waits for a free slot, after attempt {}", job.attempt));
        let job = self.inner().transitions.apply_narrowed(job, Move::Retry, &reason, None, resume).await?;
        self.inner().queue.nudge();
        Ok(job)
    }

    /// Queues a job again if its retry policy requires it.
    pub(crate) async fn retry_by_policy(&self, job: &Job) {
        if !job.runs_again_after(job.state) {
            return;
        }
        if let Err(error) = self.retry(job.id, None).await {
            tracing::error!(job.id = %job.id, %error, "the job could not be queued again");
        }
    }
}
