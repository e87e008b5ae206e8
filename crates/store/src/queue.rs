//! The queue: the jobs table seen by state. A claim takes the oldest queued job.

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::{Draft, Job, JobId, JobState, Reason, RunId};

use crate::{
    Backend, Error, Store,
    columns::{number, parsed, to_json, to_number},
    events,
    jobs::{job_columns, read},
    runs,
};

/// One statement, and a way for claimers that run at once to pass each other.
macro_rules! claim {
    ($lock:literal) => {
        concat!(
            "UPDATE jobs SET state = $1, attempt = attempt + 1, fence = fence + 1, run_id = $2, started_at = $3, \
             finished_at = NULL, reason = $4, last_seq = last_seq + 1 \
             WHERE id = (SELECT id FROM jobs WHERE state = $5 ORDER BY created_at, id LIMIT 1",
            $lock,
            ") RETURNING ",
            job_columns!()
        )
    };
}

/// SQLite has one writer at a time: nobody is there to be passed.
const CLAIM_SQLITE: &str = claim!("");
const CLAIM_POSTGRES: &str = claim!(" FOR UPDATE SKIP LOCKED");

const UNFINISHED: &str =
    concat!("SELECT ", job_columns!(), " FROM jobs WHERE state IN ($1, $2) ORDER BY created_at, id");

const QUEUED_BEFORE: &str = "SELECT COUNT(*) AS jobs FROM jobs AS other JOIN jobs AS mine ON mine.id = $1 \
     WHERE other.state = $2 AND (other.created_at, other.id) < (mine.created_at, mine.id)";

impl Store {
    /// Claims the oldest queued job for a run: it becomes running, in a new attempt under a new fence, and
    /// nobody else gets it. `None` when no job is queued.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim_next(
        &self,
        run: RunId,
        now: Timestamp,
        reason: &Reason,
        event: &Draft,
    ) -> Result<Option<Job>, Error> {
        let claim = sqlx::query(match self.backend {
            Backend::Sqlite => CLAIM_SQLITE,
            Backend::Postgres => CLAIM_POSTGRES,
        })
        .bind(JobState::Running.as_str())
        .bind(run.to_string())
        .bind(now.as_millisecond())
        .bind(to_json("reason", reason)?)
        .bind(JobState::Queued.as_str());
        let mut write = self.write().await?;
        let Some(row) = claim.fetch_optional(write.connection()).await? else {
            write.rollback().await?;
            return Ok(None);
        };
        let job = read(&row)?;
        runs::insert(write.connection(), run, &job, now).await?;
        events::insert_one(write.connection(), job.id, to_number("seq", job.last_seq)?, event).await?;
        write.commit().await?;
        Ok(Some(job))
    }

    /// The jobs that a run is or was at work on, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn unfinished_jobs(&self) -> Result<Vec<Job>, Error> {
        let select =
            sqlx::query(UNFINISHED).bind(JobState::Running.as_str()).bind(JobState::Canceling.as_str());
        select.fetch_all(&self.pool).await?.iter().map(read).collect()
    }

    /// How many queued jobs will be claimed before this one; 0 when there is no such job.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn queued_before(&self, job: JobId) -> Result<u64, Error> {
        let count = sqlx::query(QUEUED_BEFORE).bind(job.to_string()).bind(JobState::Queued.as_str());
        number(&count.fetch_one(&self.pool).await?, "jobs")
    }

    /// How many jobs are in each state; states without jobs are left out.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn counts(&self) -> Result<BTreeMap<JobState, u64>, Error> {
        let counts = sqlx::query("SELECT state, COUNT(*) AS jobs FROM jobs GROUP BY state");
        let rows = counts.fetch_all(&self.pool).await?;
        rows.iter().map(|row| Ok((parsed(row, "state")?, number(row, "jobs")?))).collect()
    }
}
