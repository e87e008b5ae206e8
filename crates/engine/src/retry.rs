//! Doing it again: a new attempt of the same request, by request or by its own policy.

use std::time::Duration;

use model::{Code, Job, JobId, JobSummary, Reason, Resume, RetryOn, job_state::Move};
use store::JobQuery;

use crate::{Engine, jobs::Error};

/// How often jobs that should have been retried are looked for.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// How many jobs of each end are looked at, the newest.
const RECENT: u32 = 500;

impl Engine {
    /// Queues a job that has ended once more. `resume` narrows this attempt.
    ///
    /// # Errors
    /// When there is no such job, it has not ended, or its secrets are wiped.
    pub async fn retry(&self, id: JobId, resume: Option<Resume>) -> Result<Job, Error> {
        loop {
            match self.retry_as_known(id, resume.as_ref()).await {
                // Another one queued it between our look and our move, and it was claimed: what it is now decides.
                Err(Error::Store(store::Error::Stale { .. })) if resume.is_none() => {}
                ended => return ended,
            }
        }
    }

    /// The same; [`store::Error::Stale`] when it was queued and claimed in between.
    async fn retry_as_known(&self, id: JobId, resume: Option<&Resume>) -> Result<Job, Error> {
        let job = self.job(id).await?;
        if job.state.is_terminal() && job.lacks_secrets() {
            return Err(Error::SecretsGone(id));
        }
        let reason =
            Reason::new(None, Code::Waiting, format!("waits for a free slot, after attempt {}", job.attempt));
        let job = self.move_job_to(job, Move::Retry, &reason, None, resume).await?;
        self.inner.queued.notify_one();
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

    /// Looks for ever for jobs that their policy wants again and that nobody queued: a service may be killed after
    /// it recorded an end and before it queued the job.
    pub(crate) async fn retry_forgotten(self) {
        loop {
            for &state in RetryOn::ALL {
                let query = JobQuery { state: Some(state.state()), limit: RECENT, ..JobQuery::default() };
                match self.store().jobs(&query).await {
                    Ok(jobs) => self.retry_those(jobs).await,
                    Err(error) => {
                        tracing::warn!(%error, "jobs to be retried cannot be looked for; trying again")
                    }
                }
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    async fn retry_those(&self, jobs: Vec<JobSummary>) {
        let allowed = |job: &JobSummary| {
            job.request.retry.as_ref().is_some_and(|policy| policy.allows(job.state, job.attempt))
        };
        for job in jobs.iter().filter(|job| allowed(job)) {
            match self.retry(job.id, None).await {
                // Whoever recorded its end was quicker.
                Ok(_) | Err(Error::Refused(_)) => {}
                Err(error) => tracing::warn!(job.id = %job.id, %error, "the job could not be queued again"),
            }
        }
    }
}
