//! The events of jobs, in order.

use std::sync::Arc;

use model::{Event, Job, JobId};
use store::{EventQuery, Store};

use crate::{
    changes::{Changes, Subscription},
    counters::Counters,
    error::JobError,
};

/// An event, with its position among the events of all jobs, and its job.
pub type Placed = (u64, JobId, Event);

/// Reads events of jobs; clones are cheap.
#[derive(Debug, Clone)]
pub struct Events {
    store: Store,
    changes: Changes,
    counters: Arc<Counters>,
}

impl Events {
    pub(crate) const fn new(store: Store, changes: Changes, counters: Arc<Counters>) -> Self {
        Self { store, changes, counters }
    }

    /// The events that match, in order.
    ///
    /// # Errors
    /// When there is no such job.
    pub async fn list(&self, id: JobId, query: &EventQuery) -> Result<Vec<Event>, JobError> {
        let events = self.store.events(id, query).await?;
        if events.is_empty() {
            self.job(id).await?;
        }
        Ok(events)
    }

    /// The matching events of all jobs, by position.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn list_all(&self, query: &EventQuery) -> Result<Vec<Placed>, JobError> {
        Ok(self.store.all_events(query).await?)
    }

    /// The position of the last event of all jobs; 0 if there is none.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn last_position(&self) -> Result<u64, JobError> {
        Ok(self.store.last_position().await?)
    }

    /// The current state of a job.
    pub(super) async fn job(&self, id: JobId) -> Result<Job, JobError> {
        self.store.job(id).await?.ok_or(JobError::UnknownJob(id))
    }

    pub(super) const fn store(&self) -> &Store {
        &self.store
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Subscribes to changes of a job.
    pub(super) fn changes_of(&self, job: JobId) -> Subscription {
        self.changes.subscribe(job)
    }

    /// Subscribes to changes of all jobs.
    pub(super) fn all_changes(&self) -> Subscription {
        self.changes.subscribe_to_all()
    }
}
