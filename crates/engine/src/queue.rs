//! The whole picture of the queue: who is at work, who waits, and why.

use model::{Job, JobState};
use store::{OwnerLock, QueueEntry, RunningJob, Waiting};

use crate::{Engine, jobs::Error};

/// How many runs may be at work here, and how many are.
#[derive(Debug, Clone, Copy)]
pub struct Capacity {
    /// Runs at work on this node.
    pub at_work: usize,
    /// The most at once on this node.
    pub most: usize,
}

/// Everything that is not at rest.
#[derive(Debug)]
pub struct Queue {
    /// Jobs at work, on all nodes.
    pub running: Vec<RunningJob>,
    /// Jobs that wait, in the order in which they will be claimed as things are.
    pub queued: Vec<QueueEntry>,
    /// Resources that things such as ranges hold beyond any job.
    pub owner_locks: Vec<OwnerLock>,
    /// Slots of this node.
    pub capacity: Capacity,
}

impl Engine {
    /// The queue, at most `limit` of the jobs that wait and of the locks of owners.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn queue(&self, limit: u32) -> Result<Queue, Error> {
        let (running, queued) = (self.store().running().await?, self.store().queue(limit).await?);
        let owner_locks = self.store().owner_locks(limit).await?;
        Ok(Queue { running, queued, owner_locks, capacity: self.capacity() })
    }

    /// Why a job waits; `None` when it does not.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn waiting(&self, job: &Job) -> Result<Option<Waiting>, Error> {
        if job.state != JobState::Queued {
            return Ok(None);
        }
        Ok(self.store().waiting(job.id).await?)
    }

    /// Places on this node.
    #[must_use]
    pub fn capacity(&self) -> Capacity {
        let slots = &self.inner.slots;
        Capacity { at_work: slots.taken(), most: slots.max() }
    }
}
