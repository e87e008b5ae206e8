//! Forgetting what ended long ago, as far as settings say so.

use std::time::Duration;

use jiff::Timestamp;
use model::JobId;
use store::{AuditRetention, Retention};

use crate::{Engine, clock, jobs::Error};

/// How often there is a look at what may go.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// In seconds.
const DAY_S: i64 = 24 * 3600;
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
    /// Artifacts that are older than this go.
    pub artifacts_age: Option<Duration>,
    /// Of artifacts so many bytes stay, those of the jobs that ended last.
    pub artifacts_bytes: Option<u64>,
    /// Records of the audit whose day, in UTC, ended longer ago than so many days go.
    pub audit_days: Option<u32>,
    /// Of the records of the audit so many stay, the newest, and up to a hundred more.
    pub audit_records: Option<u64>,
}

impl Keep {
    const fn keeps_jobs(&self) -> bool {
        self.age.is_none() && self.jobs.is_none() && self.bytes.is_none()
    }

    const fn keeps_audit(&self) -> bool {
        self.audit_days.is_none() && self.audit_records.is_none()
    }

    /// By whole days: each removal is a record, and one a day is enough.
    fn audit(&self, now: Timestamp) -> AuditRetention {
        let first_day = |days: u32| now.as_second().div_euclid(DAY_S) - i64::from(days);
        let begin = |day: i64| Timestamp::from_second(day.saturating_mul(DAY_S)).unwrap_or(Timestamp::MIN);
        AuditRetention {
            older_than: self.audit_days.map(|days| begin(first_day(days))),
            keep: self.audit_records,
        }
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
        self.remove_artifacts(id).await;
        self.inner.live.tell(id);
        Ok(())
    }

    /// Forgets for ever.
    pub(crate) async fn retain(self) {
        if let Err(error) = self.store().finish_deletions().await {
            tracing::warn!(%error, "deletions of the service before this one cannot be finished");
        }
        self.sweep_artifacts().await;
        loop {
            self.prune_files().await;
            match self.prune().await {
                Ok(0) => {}
                Ok(pruned) => {
                    tracing::info!(pruned, "deleted finished jobs according to the retention policy");
                    continue;
                }
                Err(error) => tracing::warn!(%error, "old jobs cannot be forgotten; trying again"),
            }
            match self.prune_audit().await {
                Ok(0) => {}
                Ok(removed) => {
                    tracing::info!(audit.removed = removed, "removed old records of the audit");
                    continue;
                }
                Err(error) => tracing::error!(%error, "old records of the audit are not removed"),
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    async fn prune_audit(&self) -> Result<u64, store::Error> {
        let keep = &self.options().keep;
        if keep.keeps_audit() {
            return Ok(0);
        }
        let now = clock::now();
        self.store().prune_audit(&keep.audit(now), now).await
    }

    async fn prune(&self) -> Result<usize, Error> {
        let keep = &self.options().keep;
        if keep.keeps_jobs() {
            return Ok(0);
        }
        let older_than = keep.age.map(|age| clock::now().checked_sub(age).unwrap_or(Timestamp::MIN));
        let retention = Retention { older_than, keep: keep.jobs, bytes: keep.bytes };
        let mut pruned = 0;
        for job in self.store().prune_candidates(&retention, BATCH).await? {
            if self.store().delete_job(job).await? {
                self.remove_artifacts(job).await;
                pruned += 1;
            }
        }
        Ok(pruned)
    }
}
