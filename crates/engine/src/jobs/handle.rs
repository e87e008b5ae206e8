//! The handle of jobs: reads them, and waits for them.
//!
//! What changes a job is in the files beside this one.

use std::{sync::Arc, time::Duration};

use model::{Isolation, Job, JobId, JobSummary};
use store::{JobQuery, QueueLimits, Store};
use tokio::time::{Instant, timeout_at};

use crate::{
    artifacts::Artifacts, changes::Changes, error::JobError, keyring::handle::Keyring, queue::Queue,
    transitions::Transitions, work::contract::Controls,
};

/// What jobs are given at the start.
#[derive(Debug)]
pub struct JobOptions {
    /// How many jobs may wait, of a caller and in all.
    pub limits: QueueLimits,
    /// The least isolation that a request may ask for.
    pub required_isolation: Isolation,
}

/// The jobs of a store; clones are cheap.
#[derive(Debug, Clone)]
pub struct Jobs(Arc<Inner>);

/// What jobs need.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) options: JobOptions,
    pub(super) store: Store,
    pub(super) changes: Changes,
    pub(super) transitions: Transitions,
    pub(super) queue: Queue,
    pub(super) artifacts: Artifacts,
    /// Encrypts the secrets of jobs.
    pub(super) keys: Arc<Keyring>,
    /// Kinds of work.
    pub(super) controls: Controls,
}

impl Jobs {
    pub(crate) fn new(
        options: JobOptions,
        (store, changes, transitions): (Store, Changes, Transitions),
        queue: Queue,
        artifacts: Artifacts,
        keys: Arc<Keyring>,
        controls: Controls,
    ) -> Self {
        Self(Arc::new(Inner { options, store, changes, transitions, queue, artifacts, keys, controls }))
    }

    pub(super) fn inner(&self) -> &Inner {
        &self.0
    }

    /// The least isolation that a request may ask for.
    #[must_use]
    pub fn required_isolation(&self) -> Isolation {
        self.0.options.required_isolation
    }

    /// A job as it is now.
    ///
    /// # Errors
    /// When there is none.
    pub async fn get(&self, id: JobId) -> Result<Job, JobError> {
        self.0.store.job(id).await?.ok_or(JobError::UnknownJob(id))
    }

    /// Jobs that match, newest first, without what they amounted to.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn list(&self, query: &JobQuery) -> Result<Vec<JobSummary>, JobError> {
        Ok(self.0.store.jobs(query).await?)
    }

    /// Waits until the job has ended, at most for this long; returns it as it is then.
    ///
    /// # Errors
    /// When there is none.
    pub async fn wait(&self, id: JobId, at_most: Duration) -> Result<Job, JobError> {
        let give_up = Instant::now().checked_add(at_most);
        let mut changes = self.0.changes.subscribe(id);
        loop {
            let job = self.get(id).await?;
            if job.state.is_terminal() {
                return Ok(job);
            }
            match give_up {
                Some(at) if timeout_at(at, changes.changed()).await.is_err() => return Ok(job),
                Some(_) => {}
                None => changes.changed().await,
            }
        }
    }
}
