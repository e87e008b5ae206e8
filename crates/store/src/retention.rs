//! Retention: deletes jobs that are old, too many, or too large.

use jiff::Timestamp;
use model::JobId;

use crate::{
    Error, Store,
    columns::{parsed, to_bound, to_number},
};

/// How many events go in one transaction: a huge job must not keep other writers waiting for long.
const CHUNK: u64 = 1000;

/// `SUM` needs no cast: it is only compared.
const CANDIDATES: &str = "SELECT id FROM (SELECT id, finished_at, ROW_NUMBER() OVER newest AS place, \
     SUM(bytes) OVER newest AS total FROM jobs WHERE finished_at IS NOT NULL \
     WINDOW newest AS (ORDER BY finished_at DESC, id DESC)) AS finished \
     WHERE finished_at < $1 OR place > $2 OR total > $3 ORDER BY finished_at, id LIMIT $4";

const DELETE_EVENTS: &str = "DELETE FROM events WHERE job_id = $1 \
     AND seq < (SELECT MIN(seq) FROM events WHERE job_id = $1) + $2";

/// Which finished jobs are kept: those that no rule excludes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retention {
    /// None that ended before this time.
    pub older_than: Option<Timestamp>,
    /// Keep this number of jobs that ended last.
    pub keep: Option<u64>,
    /// Only the most recently finished jobs whose events together have at most this many bytes.
    pub bytes: Option<u64>,
}

impl Store {
    /// Finished jobs that one of the rules excludes, the first to end first: at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn prune_candidates(&self, retention: &Retention, limit: u32) -> Result<Vec<JobId>, Error> {
        let select = sqlx::query(CANDIDATES)
            .bind(retention.older_than.map_or(i64::MIN, Timestamp::as_millisecond))
            .bind(retention.keep.map_or(i64::MAX, to_bound))
            .bind(retention.bytes.map_or(i64::MAX, to_bound))
            .bind(i64::from(limit));
        select.fetch_all(&self.pool).await?.iter().map(|row| parsed(row, "id")).collect()
    }

    /// Deletes a finished job with all that belongs to it. Was there one?
    ///
    /// The job is deleted immediately and completely; its events, which are no longer visible, are deleted bit by
    /// bit before this returns, so that other writers come in between. Should this be broken off,
    /// [`Store::finish_deletions`] does the rest.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_job(&self, id: JobId) -> Result<bool, Error> {
        let mut write = self.write().await?;
        let delete = sqlx::query("DELETE FROM jobs WHERE id = $1 AND finished_at IS NOT NULL");
        let deleted = delete.bind(id.to_string()).execute(write.connection()).await?.rows_affected();
        if deleted == 0 {
            write.rollback().await?;
            return Ok(false);
        }
        let remember = sqlx::query("INSERT INTO deletions (job_id) VALUES ($1)").bind(id.to_string());
        remember.execute(write.connection()).await?;
        write.notify(id).await?;
        write.commit().await?;
        self.delete_events(id).await?;
        Ok(true)
    }

    /// Deletes the remains of interrupted deletions, and returns of how many jobs. Others may do it
    /// at the same time.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn finish_deletions(&self) -> Result<u64, Error> {
        let rows = sqlx::query("SELECT job_id FROM deletions").fetch_all(&self.pool).await?;
        for row in &rows {
            self.delete_events(parsed(row, "job_id")?).await?;
        }
        Ok(rows.len() as u64)
    }

    async fn delete_events(&self, job: JobId) -> Result<(), Error> {
        loop {
            let mut write = self.write().await?;
            let delete = sqlx::query(DELETE_EVENTS).bind(job.to_string()).bind(to_number("seq", CHUNK)?);
            let deleted = delete.execute(write.connection()).await?.rows_affected();
            if deleted == 0 {
                let forget = sqlx::query("DELETE FROM deletions WHERE job_id = $1").bind(job.to_string());
                forget.execute(write.connection()).await?;
                return write.commit().await;
            }
            write.commit().await?;
        }
    }
}
