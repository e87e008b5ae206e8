//! Deletes jobs that ended long ago, according to the retention settings.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use jiff::Timestamp;
use store::{Retention, Store};

use super::{
    error::TaskError,
    keep::Keep,
    task::{About, Task},
};
use crate::{artifacts::Artifacts, clock};

/// Maximum number of jobs deleted in one transaction.
const BATCH: u32 = 100;

/// Deletes jobs that ended long ago.
#[derive(Debug)]
pub(crate) struct PruneHistory {
    store: Store,
    artifacts: Artifacts,
    keep: Keep,
    /// Whether deletions that a previous service left unfinished have been completed.
    is_finished: AtomicBool,
}

impl PruneHistory {
    pub(crate) const fn new(store: Store, artifacts: Artifacts, keep: Keep) -> Self {
        Self { store, artifacts, keep, is_finished: AtomicBool::new(false) }
    }

    async fn prune_batch(&self) -> Result<u64, store::Error> {
        let keep = &self.keep;
        let older_than = keep.age.map(|age| clock::now().checked_sub(age).unwrap_or(Timestamp::MIN));
        let retention = Retention { older_than, keep: keep.jobs, bytes: keep.bytes };
        let mut pruned = 0;
        for job in self.store.prune_candidates(&retention, BATCH).await? {
            if self.store.delete_job(job).await? {
                self.artifacts.remove(job).await;
                pruned += 1;
            }
        }
        Ok(pruned)
    }
}

impl Task for PruneHistory {
    const ABOUT: About =
        About { name: "prune_history", summary: "Deletes jobs that the retention policy doesn't keep" };

    async fn activate(&self) -> Result<u64, TaskError> {
        if !self.is_finished.load(Relaxed) {
            self.store.finish_deletions().await?;
            self.is_finished.store(true, Relaxed);
        }
        let mut all = 0;
        while !self.keep.keeps_jobs() {
            let pruned = self.prune_batch().await?;
            if pruned == 0 {
                break;
            }
            tracing::info!(pruned, "deleted jobs that ended long ago");
            all += pruned;
        }
        Ok(all)
    }
}
