//! What can be done with jobs: ask for one, look at it, wait for it.

use std::time::Duration;

use ansible::catalog;
use model::{Code, Event, Job, JobId, JobRequest, JobState, Reason, Refusal};
use tokio::time::{Instant, timeout_at};

use crate::{Engine, clock, moves::state_event};

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The content that was asked for cannot be used.
    #[error(transparent)]
    Content(#[from] catalog::Error),
    /// There is no such job.
    #[error("unknown job `{0}`")]
    UnknownJob(JobId),
    /// The job's state does not allow it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] store::Error),
    /// A file could not be used.
    #[error("a file could not be used")]
    Io(#[from] std::io::Error),
    /// A task of ours ended without an answer.
    #[error("an internal task failed")]
    Task(#[from] tokio::task::JoinError),
}

impl Engine {
    /// Accepts a job: its content exists and stays in its root. It is stored when this returns.
    ///
    /// # Errors
    /// When the content cannot be used or the job not be stored.
    pub async fn submit(&self, request: JobRequest) -> Result<Job, Error> {
        self.locate(request.content.clone()).await?;
        let now = clock::now();
        let reason = Reason::new(None, Code::Waiting, "waits for a free place");
        let event = state_event(None, JobState::Queued, &reason, now);
        let job = Job {
            id: clock::new_job_id(),
            state: JobState::Queued,
            reason,
            request,
            attempt: 0,
            fence: 0,
            created_at: now,
            queued_at: now,
            started_at: None,
            finished_at: None,
            run: None,
            node: None,
            lease_until: None,
            resume: None,
            outcome: None,
            tasks: 0,
            last_seq: 1,
        };
        self.store().insert_job(&job, &event, None).await?;
        tracing::info!(job.id = %job.id, content = %job.request.content, "job accepted");
        self.inner.queued.notify_one();
        Ok(job)
    }

    /// A job as it is now.
    ///
    /// # Errors
    /// When there is none.
    pub async fn job(&self, id: JobId) -> Result<Job, Error> {
        self.store().job(id).await?.ok_or(Error::UnknownJob(id))
    }

    /// Waits until the job has ended, at most for this long; gives it as it is then.
    ///
    /// # Errors
    /// When there is none.
    pub async fn wait(&self, id: JobId, at_most: Duration) -> Result<Job, Error> {
        let give_up = Instant::now().checked_add(at_most);
        let mut news = self.inner.live.listen(id);
        loop {
            let job = self.job(id).await?;
            if job.state.is_terminal() {
                return Ok(job);
            }
            match give_up {
                Some(at) if timeout_at(at, news.next()).await.is_err() => return Ok(job),
                Some(_) => {}
                None => news.next().await,
            }
        }
    }

    /// The events after a number, in order, at most `limit`.
    ///
    /// # Errors
    /// When there is no such job.
    pub async fn events(&self, id: JobId, after: u64, limit: u32) -> Result<Vec<Event>, Error> {
        let events = self.store().events(id, &store::EventQuery::after(after, limit)).await?;
        if events.is_empty() {
            self.job(id).await?;
        }
        Ok(events)
    }

    /// Jobs, newest first: at most `limit`, all older than `before`, in one state or any.
    ///
    /// # Errors
    /// When there is no job `before`.
    pub async fn jobs(
        &self,
        before: Option<JobId>,
        state: Option<JobState>,
        limit: u32,
    ) -> Result<Vec<Job>, Error> {
        let before = match before {
            Some(id) => Some((self.job(id).await?.created_at, id)),
            None => None,
        };
        let query = store::JobQuery { before, state, limit, ..store::JobQuery::default() };
        let mut jobs = Vec::new();
        for summary in self.store().jobs(&query).await? {
            jobs.extend(self.store().job(summary.id).await?);
        }
        Ok(jobs)
    }
}
