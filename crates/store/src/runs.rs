//! Runs: the attempts of jobs, and how far their events were taken over.

use jiff::Timestamp;
use model::{Attempt, Job, JobId, RunId};
use sqlx::AnyConnection;

use crate::{
    Error, Store,
    columns::{json_or_null, number, parsed},
};

impl Store {
    /// The attempts of a job, first to last.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn attempts(&self, job: JobId) -> Result<Vec<Attempt>, Error> {
        let select = sqlx::query("SELECT id, attempt, outcome FROM runs WHERE job_id = $1 ORDER BY attempt");
        let rows = select.bind(job.to_string()).fetch_all(&self.pool).await?;
        rows.iter()
            .map(|row| {
                Ok(Attempt {
                    number: number(row, "attempt")?,
                    run: parsed(row, "id")?,
                    outcome: json_or_null(row, "outcome")?,
                })
            })
            .collect()
    }

    /// The highest number of a run's own events that is stored, 0 for none: where importing them continues after
    /// a restart.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn last_run_seq(&self, run: RunId) -> Result<u64, Error> {
        let select = sqlx::query("SELECT COALESCE(MAX(run_seq), 0) AS run_seq FROM events WHERE run_id = $1");
        number(&select.bind(run.to_string()).fetch_one(&self.pool).await?, "run_seq")
    }
}

/// Stores the run of an attempt that begins.
pub(crate) async fn insert(
    connection: &mut AnyConnection,
    run: RunId,
    job: &Job,
    now: Timestamp,
) -> Result<(), Error> {
    sqlx::query("INSERT INTO runs (id, job_id, attempt, created_at) VALUES ($1, $2, $3, $4)")
        .bind(run.to_string())
        .bind(job.id.to_string())
        .bind(i64::from(job.attempt))
        .bind(now.as_millisecond())
        .execute(connection)
        .await?;
    Ok(())
}

/// Stores how a run ended.
pub(crate) async fn finish(
    connection: &mut AnyConnection,
    run: RunId,
    finished_at: Timestamp,
    outcome: String,
) -> Result<(), Error> {
    sqlx::query("UPDATE runs SET finished_at = $1, outcome = $2 WHERE id = $3")
        .bind(finished_at.as_millisecond())
        .bind(outcome)
        .bind(run.to_string())
        .execute(connection)
        .await?;
    Ok(())
}
