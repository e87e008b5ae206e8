//! Leases: a running job belongs to a node as long as that node renews its lease in time.
//!
//! The holder of a job renews its lease regularly. When the lease expires, another node can take the job over; that
//! raises the fence, so that the former holder, should it still be there, is refused from then on. Times are the
//! callers', and they should all take them from [`Store::clock`].

use jiff::Timestamp;
use model::{Job, JobId, RunId};

use crate::{
    Backend, Error, Store,
    columns::{parsed, time, to_bound},
    jobs::{job_columns, read},
    states::active,
};

const BEAT: &str = concat!("UPDATE jobs SET lease_until = $1 WHERE id = $2 AND fence = $3 AND ", active!());

const EXPIRED: &str = concat!(
    "SELECT ",
    job_columns!(),
    " FROM jobs WHERE ",
    active!(),
    " AND lease_until <= $1 ORDER BY lease_until, id LIMIT $2"
);

const TAKE_OVER: &str = concat!(
    "UPDATE jobs SET fence = fence + 1, node = $1, lease_until = $2 WHERE id = $3 AND fence = $4 AND ",
    active!(),
    " AND (lease_until <= $5 OR node = $1) RETURNING ",
    job_columns!()
);

const UNFINISHED: &str = concat!(
    "SELECT ",
    job_columns!(),
    " FROM jobs WHERE ",
    active!(),
    " AND node = $1 ORDER BY created_at, id"
);

const CANCELING: &str =
    "SELECT run_id FROM jobs WHERE state = 'canceling' AND node = $1 AND run_id IS NOT NULL";

impl Store {
    /// The time of the clock that all nodes share: PostgreSQL's, or that of this machine with SQLite.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn clock(&self) -> Result<Timestamp, Error> {
        match self.backend {
            Backend::Sqlite => Ok(Timestamp::now()),
            Backend::Postgres => {
                let now = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) AS now";
                time(&sqlx::query(now).fetch_one(&self.pool).await?, "now")
            }
        }
    }

    /// Holds on to a job until then.
    ///
    /// # Errors
    /// [`Error::Stale`] if the claim is no longer valid: another node took the job over, or it has ended.
    pub async fn beat(&self, job: JobId, fence: u64, until: Timestamp) -> Result<(), Error> {
        let mut write = self.write().await?;
        let beat = sqlx::query(BEAT).bind(until.as_millisecond()).bind(job.to_string());
        let beaten = beat.bind(to_bound(fence)).execute(write.connection()).await?.rows_affected();
        write.commit().await?;
        if beaten > 0 { Ok(()) } else { Err(Error::Stale { job }) }
    }

    /// Running jobs whose lease has expired, the earliest first: at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn expired(&self, now: Timestamp, limit: u32) -> Result<Vec<Job>, Error> {
        let select = sqlx::query(EXPIRED).bind(now.as_millisecond()).bind(i64::from(limit));
        select.fetch_all(&self.pool).await?.iter().map(read).collect()
    }

    /// Takes over a running job whose lease has expired, or which this node already holds, under a new fence: no node
    /// that held it before can write to it any more. State, run and resources stay as they are.
    ///
    /// # Errors
    /// [`Error::Stale`] if the fence differs, the job has ended, or its holder has renewed the lease.
    pub async fn take_over(
        &self,
        job: JobId,
        fence: u64,
        node: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Job, Error> {
        let mut write = self.write().await?;
        let update = sqlx::query(TAKE_OVER)
            .bind(node.to_owned())
            .bind(until.as_millisecond())
            .bind(job.to_string())
            .bind(to_bound(fence))
            .bind(now.as_millisecond());
        let Some(row) = update.fetch_optional(write.connection()).await? else {
            write.rollback().await?;
            return Err(Error::Stale { job });
        };
        let taken = read(&row)?;
        write.commit().await?;
        Ok(taken)
    }

    /// The running jobs that this node holds, oldest first: it reattaches to them after a restart.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn unfinished_jobs(&self, node: &str) -> Result<Vec<Job>, Error> {
        let select = sqlx::query(UNFINISHED).bind(node.to_owned());
        select.fetch_all(&self.pool).await?.iter().map(read).collect()
    }

    /// The runs of this node to terminate because their jobs were canceled.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn canceling(&self, node: &str) -> Result<Vec<RunId>, Error> {
        let select = sqlx::query(CANCELING).bind(node.to_owned());
        select.fetch_all(&self.pool).await?.iter().map(|row| parsed(row, "run_id")).collect()
    }
}
