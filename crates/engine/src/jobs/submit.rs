//! Submits jobs. Callers take turns in the queue, and each has a maximum number of queued jobs.

use model::{Actor, Draft, EncryptedSecrets, Job, JobId, JobRequest};
use store::{Admission, IdempotencyKey, Inserted};

use super::{fingerprint::fingerprint, handle::Jobs};
use crate::{clock, error::JobError, transitions::state_event};

/// The submitter of a job.
#[derive(Debug, Clone, Default)]
pub struct Submitter {
    /// The actor that the job shows.
    pub actor: Actor,
    /// An identifier that is unique per caller, if the caller is known. The queue uses it to give callers turns.
    pub mark: Option<String>,
}

/// The result of a submission.
#[derive(Debug)]
pub enum Submitted {
    /// A new job.
    New(Job),
    /// The job that an earlier request with the same idempotency key created.
    Known(Job),
}

impl Submitted {
    /// The job, whether new or known.
    #[must_use]
    pub fn into_job(self) -> Job {
        match self {
            Self::New(job) | Self::Known(job) => job,
        }
    }
}

impl Jobs {
    /// Validates and stores a job. When this returns, the job is stored. Callers take turns in the queue, and each
    /// has a maximum number of queued jobs.
    ///
    /// # Errors
    /// When the request cannot be fulfilled, the queue is full, or the job cannot be stored.
    pub async fn submit(&self, request: JobRequest, submitter: &Submitter) -> Result<Job, JobError> {
        self.submit_as(clock::new_job_id(), request, submitter).await
    }

    /// Like [`Self::submit`], but once per key: repeating a request with the same key returns the first job.
    ///
    /// # Errors
    /// As [`Self::submit`], and when the key was used for a different request.
    pub async fn submit_once(
        &self,
        request: JobRequest,
        key: Option<String>,
        submitter: &Submitter,
    ) -> Result<Submitted, JobError> {
        self.accept(clock::new_job_id(), request, key, submitter, None).await
    }

    /// Like [`Self::submit`], with an ID that is stored elsewhere already.
    pub(crate) async fn submit_as(
        &self,
        id: JobId,
        request: JobRequest,
        submitter: &Submitter,
    ) -> Result<Job, JobError> {
        Ok(self.accept(id, request, None, submitter, None).await?.into_job())
    }

    pub(crate) async fn accept(
        &self,
        id: JobId,
        request: JobRequest,
        key: Option<String>,
        submitter: &Submitter,
        parent: Option<&Job>,
    ) -> Result<Submitted, JobError> {
        let controls = &self.inner().controls;
        controls.of(request.work.kind()).check(&request.work).await?;
        let secrets = self.encrypted_secrets_of(id, &request)?;
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

    /// Checks that one more job of this caller can be queued, for requests that queue a job again.
    ///
    /// # Errors
    /// [`JobError::QueueFull`] when the limit is reached.
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

    /// The encrypted values of the secret variables; `None` when there are none.
    fn encrypted_secrets_of(
        &self,
        job: JobId,
        request: &JobRequest,
    ) -> Result<Option<EncryptedSecrets>, JobError> {
        if !request.work.has_secrets() {
            return Ok(None);
        }
        // A new request contains the values. A request that was read from the store does not.
        let secrets = request.work.expose_secrets().ok_or(JobError::SecretsGone(job))?;
        Ok(Some(self.inner().keys.seal(job, &secrets)?))
    }

    /// Stores a job that has already ended, without queueing it.
    ///
    /// # Errors
    /// When the store does not respond.
    pub(crate) async fn record(&self, job: &Job, event: &Draft) -> Result<(), JobError> {
        self.inner().store.insert_job(job, event, None, Admission::default()).await?;
        self.inner().changes.publish(job.id);
        Ok(())
    }
}
