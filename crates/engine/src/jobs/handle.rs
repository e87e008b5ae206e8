//! The handle of jobs: reads jobs, and waits for them.
//!
//! The other files of this directory contain the operations that change jobs.

use std::{sync::Arc, time::Duration};

use model::{Isolation, Job, JobId, JobSummary};
use store::{JobQuery, QueueLimits, Store};
use tokio::time::{Instant, timeout_at};

use crate::{
    artifacts::Artifacts, changes::Changes, error::JobError, keyring::handle::Keyring, queue::Queue,
    transitions::Transitions, work::contract::Controls,
};

/// Options of jobs.
#[derive(Debug)]
pub struct JobOptions {
    /// Maximum number of queued jobs, per caller and in total.
    pub limits: QueueLimits,
    /// The minimum isolation level that a request can choose.
    pub required_isolation: Isolation,
}

/// The jobs of a store; clones are cheap.
#[derive(Debug, Clone)]
pub struct Jobs(Arc<Inner>);

/// State that is shared by the clones.
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

    /// The minimum isolation level that a request can choose.
    #[must_use]
    pub fn required_isolation(&self) -> Isolation {
        self.0.options.required_isolation
    }

    /// The current state of a job.
    ///
    /// # Errors
    /// When the job does not exist.
    pub async fn get(&self, id: JobId) -> Result<Job, JobError> {
        self.0.store.job(id).await?.ok_or(JobError::UnknownJob(id))
    }

    /// The matching jobs, newest first, without their details.
    ///
    /// # Errors
    /// When the store does not respond.
    pub async fn list(&self, query: &JobQuery) -> Result<Vec<JobSummary>, JobError> {
        Ok(self.0.store.jobs(query).await?)
    }

    /// Waits until the job has ended, or `at_most` has passed; returns the job in its state at that time.
    ///
    /// # Errors
    /// When the job does not exist.
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
