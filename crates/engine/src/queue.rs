//! The state of the queue: running jobs, queued jobs, and the reasons why they wait. The queue itself is the table
//! of jobs.

use model::{Job, JobState};
use store::{OwnerLock, QueueEntry, RunningJob, Store, Waiting};

use crate::{nudge::Nudge, slots::Slots};

/// The queue, and the slots of this node; clones are cheap.
#[derive(Debug, Clone)]
pub struct Queue {
    store: Store,
    slots: Slots,
    /// Nudges the scheduler.
    queued: Nudge,
}

/// The slots of this node.
#[derive(Debug, Clone, Copy)]
pub struct Capacity {
    /// Number of occupied slots.
    pub running: usize,
    /// Total number of slots.
    pub max: usize,
}

/// All running and queued jobs.
#[derive(Debug)]
pub struct QueueState {
    /// Jobs that run, on all nodes.
    pub running: Vec<RunningJob>,
    /// Queued jobs, in the order in which they would be claimed now.
    pub queued: Vec<QueueEntry>,
    /// Resources that owners such as ranges hold independently of a job.
    pub owner_locks: Vec<OwnerLock>,
    /// Slots of this node.
    pub capacity: Capacity,
}

impl Queue {
    pub(crate) fn new(store: Store, slots: Slots) -> Self {
        Self { store, slots, queued: Nudge::default() }
    }

    /// All running jobs, and at most `limit` queued jobs and owner locks.
    ///
    /// # Errors
    /// When the store does not respond.
    pub async fn state(&self, limit: u32) -> Result<QueueState, store::Error> {
        let (running, queued) = (self.store.running().await?, self.store.queue(limit).await?);
        let owner_locks = self.store.owner_locks(limit).await?;
        Ok(QueueState { running, queued, owner_locks, capacity: self.capacity() })
    }

    /// Why a job waits; `None` when it is not queued.
    ///
    /// # Errors
    /// When the store does not respond.
    pub async fn waiting(&self, job: &Job) -> Result<Option<Waiting>, store::Error> {
        if job.state != JobState::Queued {
            return Ok(None);
        }
        self.store.waiting(job.id).await
    }

    /// Slots of this node.
    #[must_use]
    pub fn capacity(&self) -> Capacity {
        Capacity { running: self.slots.taken(), max: self.slots.max() }
    }

    pub(crate) const fn slots(&self) -> &Slots {
        &self.slots
    }

    /// Wakes the scheduler, because there may be a job to claim.
    pub(crate) fn nudge(&self) {
        self.queued.send();
    }

    /// Waits until there may be a job to claim.
    pub(crate) async fn nudged(&self) {
        self.queued.received().await;
    }
}
