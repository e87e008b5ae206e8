//! Doing it again: a new attempt of the same request, by request or by its own policy.

use model::{Code, Job, JobId, Reason, Resume, job_state::Move};

use crate::{Engine, jobs::Error};

impl Engine {
    /// Queues a job that has ended once more. `resume` narrows this attempt.
    ///
    /// # Errors
    /// When there is no such job or it has not ended.
    pub async fn retry(&self, id: JobId, resume: Option<Resume>) -> Result<Job, Error> {
        let job = self.job(id).await?;
        let reason = Reason::new(
            None,
            Code::Waiting,
            format!("waits for a free place, after attempt {}", job.attempt),
        );
        let job = self.move_job_to(job, Move::Retry, &reason, None, resume.as_ref()).await?;
        self.inner.queued.notify_one();
        Ok(job)
    }

    /// What the job's own policy says after an end.
    pub(crate) async fn retry_by_policy(&self, job: &Job) {
        let allowed = |policy: &model::RetryPolicy| policy.allows(job.state, job.attempt);
        if !job.request.retry.as_ref().is_some_and(allowed) {
            return;
        }
        if let Err(error) = self.retry(job.id, None).await {
            tracing::error!(job.id = %job.id, %error, "the job could not be queued again");
        }
    }
}
