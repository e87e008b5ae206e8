//! Forgetting what ended long ago, as far as settings say so.

use std::time::Duration;

use model::JobId;
use store::Retention;

use crate::{Engine, clock, jobs::Error};

/// How often there is a look at what may go.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// How many jobs go in one go.
const BATCH: u32 = 100;

/// What is kept; nothing set keeps everything.
#[derive(Debug, Clone, Copy, Default)]
pub struct Keep {
    /// Jobs that ended longer ago than this go.
    pub age: Option<Duration>,
    /// Of ended jobs so many stay, the newest.
    pub jobs: Option<u64>,
    /// Of the events of ended jobs so many bytes stay, the newest.
    pub bytes: Option<u64>,
}

impl Keep {
    const fn is_everything(&self) -> bool {
        self.age.is_none() && self.jobs.is_none() && self.bytes.is_none()
    }
}

impl Engine {
    /// Deletes a job that has ended, with its runs and events.
    ///
    /// # Errors
    /// When there is no such job, or it has not ended.
    pub async fn delete(&self, id: JobId) -> Result<(), Error> {
        let job = self.job(id).await?;
        if !job.state.is_terminal() {
            return Err(Error::NotEnded { job: id, state: job.state });
        }
        self.store().delete_job(id).await?;
        self.inner.live.tell(id);
        Ok(())
    }

    /// Forgets for ever.
    pub(crate) async fn retain(self) {
        if let Err(error) = self.store().finish_deletions().await {
            tracing::warn!(%error, "deletions of the service before this one cannot be finished");
        }
        while !self.options().keep.is_everything() {
            match self.prune().await {
                Ok(0) => {}
                Ok(pruned) => {
                    tracing::info!(pruned, "forgot jobs that ended long ago");
                    continue;
                }
                Err(error) => tracing::warn!(%error, "old jobs cannot be forgotten; trying again"),
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    async fn prune(&self) -> Result<usize, Error> {
        let keep = &self.options().keep;
        let older_than = keep.age.map(|age| clock::now().checked_sub(age).unwrap_or(jiff::Timestamp::MIN));
        let retention = Retention { older_than, keep: keep.jobs, bytes: keep.bytes };
        let mut pruned = 0;
        for job in self.store().prune_candidates(&retention, BATCH).await? {
            pruned += usize::from(self.store().delete_job(job).await?);
        }
        Ok(pruned)
    }
}
