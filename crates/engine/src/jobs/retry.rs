//! Doing it again: a new attempt of the same request, by request or by its own policy.

use model::{Code, Job, JobId, Reason, Resume, job_state::Move};

use super::handle::Jobs;
use crate::error::JobError;

impl Jobs {
    /// Queues a job that has ended once more. `resume` narrows this attempt.
    ///
    /// # Errors
    /// When there is no such job, it has not ended, or its secrets are wiped.
    pub async fn retry(&self, id: JobId, resume: Option<Resume>) -> Result<Job, JobError> {
        loop {
            match self.retry_as_known(id, resume.as_ref()).await {
                // Another request queued it between the read and the move, and it was claimed: what it is now decides.
                Err(error) if error.is_stale() && resume.is_none() => {}
                ended => return ended,
            }
        }
    }

    /// The same; [`store::Error::Stale`] when it was queued and claimed in between.
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

    /// What the job's own policy says after an end.
    pub(crate) async fn retry_by_policy(&self, job: &Job) {
        if !job.runs_again_after(job.state) {
            return;
        }
        if let Err(error) = self.retry(job.id, None).await {
            tracing::error!(job.id = %job.id, %error, "the job could not be queued again");
        }
    }
}
