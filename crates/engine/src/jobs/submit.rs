//! Submitting jobs. Callers have turns in the queue, and a number of jobs that may wait.

use model::{Actor, Draft, Job, JobId, JobRequest, Sealed};
use store::{Admission, IdempotencyKey, Inserted};

use super::{fingerprint::fingerprint, handle::Jobs};
use crate::{clock, error::JobError, transitions::state_event};

/// Who asks for a job.
#[derive(Debug, Clone, Default)]
pub struct Submitter {
    /// As the job shows it.
    pub actor: Actor,
    /// A mark that no two callers share, where the caller is known: callers have turns in the queue by it.
    pub mark: Option<String>,
}

/// What became of a request.
#[derive(Debug)]
pub enum Submitted {
    /// A new job.
    New(Job),
    /// The job that the same request under the same key gave before.
    Known(Job),
}

impl Submitted {
    /// The job, new or not.
    #[must_use]
    pub fn into_job(self) -> Job {
        match self {
            Self::New(job) | Self::Known(job) => job,
        }
    }
}

impl Jobs {
    /// Accepts a job: what it asks for can be done, as far as is known. It is stored when this returns. Callers have turns in
    /// the queue, and a number of jobs that may wait.
    ///
    /// # Errors
    /// When what it asks for cannot be done, the queue is full, or the job cannot be stored.
    pub async fn submit(&self, request: JobRequest, submitter: &Submitter) -> Result<Job, JobError> {
        Ok(self.accept(request, None, submitter, None).await?.into_job())
    }

    /// The same, once per key: the same request under the same key gives the job that it gave the first time.
    ///
    /// # Errors
    /// As [`Self::submit`], and when the key stands for another request.
    pub async fn submit_once(
        &self,
        request: JobRequest,
        key: Option<String>,
        submitter: &Submitter,
    ) -> Result<Submitted, JobError> {
        self.accept(request, key, submitter, None).await
    }

    pub(crate) async fn accept(
        &self,
        request: JobRequest,
        key: Option<String>,
        submitter: &Submitter,
        parent: Option<&Job>,
    ) -> Result<Submitted, JobError> {
        let controls = &self.inner().controls;
        controls.of(request.work.kind()).check(&request.work).await?;
        let id = clock::new_job_id();
        let secrets = self.sealed_secrets(id, &request)?;
        let now = clock::now();
        let job = Job {
            secrets,
            submitted_by: submitter.actor.clone(),
            parent: parent.map(|parent| parent.id),
            acts_for: parent.and_then(|parent| parent.acts_for.clone()),
            ..Job::asked_for(id, request, now)
        };
        let event = state_event(None, job.state, &job.reason, now);
        let key = match key {
            Some(key) => {
                Some(IdempotencyKey { key, body_hash: fingerprint(&job.request, &self.inner().keys)? })
            }
            None => None,
        };
        let admission = Admission {
            owner: submitter.mark.as_deref(),
            limits: self.inner().options.limits,
            parent_fence: parent.map_or(0, |parent| parent.fence),
        };
        match self.inner().store.insert_job(&job, &event, key.as_ref(), admission).await? {
            Inserted::New => {}
            Inserted::Full(full) => return Err(JobError::QueueFull(full)),
            Inserted::Same(known) => return Ok(Submitted::Known(self.get(known).await?)),
            Inserted::Conflict(other) => return Err(JobError::KeyUsed(other)),
        }
        tracing::info!(job.id = %job.id, work = %job.request.work, "job accepted");
        self.inner().queue.nudge();
        Ok(Submitted::New(job))
    }

    /// Whether one more job of this caller may wait, for requests that queue a job again.
    ///
    /// # Errors
    /// [`JobError::QueueFull`] when it may not.
    pub async fn has_room(&self, owner: Option<&str>) -> Result<(), JobError> {
        match self
            .inner()
            .store
            .is_full(Admission { owner, limits: self.inner().options.limits, parent_fence: 0 })
            .await?
        {
            Some(full) => Err(JobError::QueueFull(full)),
            None => Ok(()),
        }
    }

    /// The values of secret variables as they are kept; `None` when there are none.
    fn sealed_secrets(&self, job: JobId, request: &JobRequest) -> Result<Option<Sealed>, JobError> {
        if !request.work.has_secrets() {
            return Ok(None);
        }
        // A request from outside has all its values; one that was read back has none to seal.
        let secrets = request.work.expose_secrets().ok_or(JobError::SecretsGone(job))?;
        Ok(Some(self.inner().keys.seal(job, &secrets)?))
    }

    /// Stores a job that is complete as it is, outside of the queue.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn record(&self, job: &Job, event: &Draft) -> Result<(), JobError> {
        self.inner().store.insert_job(job, event, None, Admission::default()).await?;
        self.inner().changes.publish(job.id);
        Ok(())
    }
}
