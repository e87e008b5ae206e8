//! The whole picture of the queue: which jobs run, which wait, and why. The queue itself is the table of jobs.

use model::{Job, JobState};
use store::{OwnerLock, QueueEntry, RunningJob, Store, Waiting};

use crate::{nudge::Nudge, slots::Slots};

/// The queue, and the slots of this node; clones are cheap.
#[derive(Debug, Clone)]
pub struct Queue {
    store: Store,
    slots: Slots,
    /// Wakes the scheduler.
    queued: Nudge,
}

/// How many runs may run here at once, and how many do.
#[derive(Debug, Clone, Copy)]
pub struct Capacity {
    /// Slots of this node that are taken.
    pub running: usize,
    /// Slots of this node.
    pub max: usize,
}

/// All jobs that run or wait.
#[derive(Debug)]
pub struct QueueState {
    /// Jobs that run, on all nodes.
    pub running: Vec<RunningJob>,
    /// Jobs that wait, in the order in which they will be claimed as things are.
    pub queued: Vec<QueueEntry>,
    /// Resources that things such as ranges hold beyond any job.
    pub owner_locks: Vec<OwnerLock>,
    /// Slots of this node.
    pub capacity: Capacity,
}

impl Queue {
    pub(crate) fn new(store: Store, slots: Slots) -> Self {
        Self { store, slots, queued: Nudge::default() }
    }

    /// All jobs that run, and at most `limit` of the jobs that wait and of the locks of owners.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn state(&self, limit: u32) -> Result<QueueState, store::Error> {
        let (running, queued) = (self.store.running().await?, self.store.queue(limit).await?);
        let owner_locks = self.store.owner_locks(limit).await?;
        Ok(QueueState { running, queued, owner_locks, capacity: self.capacity() })
    }

    /// Why a job waits; `None` when it does not.
    ///
    /// # Errors
    /// When the store does not answer.
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

    /// There may be a job to claim.
    pub(crate) fn nudge(&self) {
        self.queued.send();
    }

    /// Waits until there may be a job to claim.
    pub(crate) async fn nudged(&self) {
        self.queued.received().await;
    }
}
