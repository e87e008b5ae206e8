//! Jobs: stored, moved, read, listed, deleted.

use jiff::Timestamp;
use model::{Draft, Job, JobId, JobState, Outcome, Reason};
use sqlx::any::AnyRow;

use crate::{
    Error, Store,
    columns::{
        json, json_or_null, number, parsed, parsed_or_null, time, time_or_null, to_bound, to_json, to_number,
    },
    events, runs,
};

/// What [`read`] needs of a row.
macro_rules! job_columns {
    () => {
        "id, state, reason, request, attempt, fence, created_at, started_at, finished_at, run_id, outcome, last_seq"
    };
}
pub(crate) use job_columns;

const INSERT: &str = "INSERT INTO jobs (id, state, reason, request, kind, name, attempt, fence, created_at, \
     started_at, finished_at, run_id, outcome, last_seq) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 1)";

const SELECT: &str = concat!("SELECT ", job_columns!(), " FROM jobs WHERE id = $1");

const MOVE: &str = concat!(
    "UPDATE jobs SET state = $1, reason = $2, outcome = COALESCE($3, outcome), finished_at = $4, \
     last_seq = last_seq + 1 WHERE id = $5 AND fence = $6 AND state = $7 RETURNING ",
    job_columns!()
);

// Identifiers are lower-case hexadecimal with hyphens at fixed places: every collation sorts them alike.
const LIST: &str = concat!(
    "SELECT ",
    job_columns!(),
    " FROM jobs WHERE (created_at, id) < ($1, $2) ORDER BY created_at DESC, id DESC LIMIT $3"
);

const LIST_OF_STATE: &str = concat!(
    "SELECT ",
    job_columns!(),
    " FROM jobs WHERE state = $4 AND (created_at, id) < ($1, $2) ORDER BY created_at DESC, id DESC LIMIT $3"
);

/// A move of a job to another state, with what goes with it.
#[derive(Debug, Clone, Copy)]
pub struct JobMove<'a> {
    /// The job.
    pub id: JobId,
    /// The state it must be in.
    pub from: JobState,
    /// The claim it must be under.
    pub fence: u64,
    /// The state it moves to.
    pub to: JobState,
    /// Why.
    pub reason: &'a Reason,
    /// How its run ended; `None` keeps the outcome of the attempt before.
    pub outcome: Option<&'a Outcome>,
    /// When the job ended; `None` when it did not, or began anew.
    pub finished_at: Option<Timestamp>,
    /// The event that tells of it.
    pub event: &'a Draft,
}

impl Store {
    /// Stores a new job and its first event, which gets the number 1 whatever [`Job::last_seq`] says.
    ///
    /// # Errors
    /// When a job with this id is there already, or the database fails.
    pub async fn insert_job(&self, job: &Job, event: &Draft) -> Result<(), Error> {
        let outcome = job.outcome.as_ref().map(|outcome| to_json("outcome", outcome)).transpose()?;
        let insert = sqlx::query(INSERT)
            .bind(job.id.to_string())
            .bind(job.state.as_str())
            .bind(to_json("reason", &job.reason)?)
            .bind(to_json("request", &job.request)?)
            .bind(job.request.content.kind().as_str())
            .bind(job.request.content.name().as_str())
            .bind(i64::from(job.attempt))
            .bind(to_number("fence", job.fence)?)
            .bind(job.created_at.as_millisecond())
            .bind(job.started_at.map(Timestamp::as_millisecond))
            .bind(job.finished_at.map(Timestamp::as_millisecond))
            .bind(job.run.map(|run| run.to_string()))
            .bind(outcome);
        let mut write = self.write().await?;
        insert.execute(write.connection()).await?;
        events::insert_one(write.connection(), job.id, 1, event).await?;
        write.commit().await
    }

    /// The job, where there is one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn job(&self, id: JobId) -> Result<Option<Job>, Error> {
        let row = sqlx::query(SELECT).bind(id.to_string()).fetch_optional(&self.pool).await?;
        row.as_ref().map(read).transpose()
    }

    /// Moves a job and stores the event of the move, and the outcome of its run where one is given.
    ///
    /// # Errors
    /// [`Error::Stale`] when the job is not in the state or not under the claim that the move expects.
    pub async fn move_job(&self, job_move: &JobMove<'_>) -> Result<Job, Error> {
        let outcome = job_move.outcome.map(|outcome| to_json("outcome", outcome)).transpose()?;
        let update = sqlx::query(MOVE)
            .bind(job_move.to.as_str())
            .bind(to_json("reason", job_move.reason)?)
            .bind(outcome.clone())
            .bind(job_move.finished_at.map(Timestamp::as_millisecond))
            .bind(job_move.id.to_string())
            .bind(to_bound(job_move.fence))
            .bind(job_move.from.as_str());
        let mut write = self.write().await?;
        let Some(row) = update.fetch_optional(write.connection()).await? else {
            write.rollback().await?;
            return Err(Error::Stale { job: job_move.id });
        };
        let job = read(&row)?;
        events::insert_one(write.connection(), job.id, to_number("seq", job.last_seq)?, job_move.event)
            .await?;
        if let (Some(run), Some(ended), Some(outcome)) = (job.run, job_move.outcome, outcome) {
            runs::finish(write.connection(), run, ended.finished_at, outcome).await?;
        }
        write.commit().await?;
        Ok(job)
    }

    /// Jobs, newest first: at most `limit`, all older than the one that `before` names by its creation and id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn jobs(
        &self,
        before: Option<(Timestamp, JobId)>,
        state: Option<JobState>,
        limit: u32,
    ) -> Result<Vec<Job>, Error> {
        let (time, id) = match before {
            Some((time, id)) => (time.as_millisecond(), id.to_string()),
            None => (i64::MAX, String::new()),
        };
        let list = sqlx::query(if state.is_some() { LIST_OF_STATE } else { LIST });
        let mut list = list.bind(time).bind(id).bind(i64::from(limit));
        if let Some(state) = state {
            list = list.bind(state.as_str());
        }
        list.fetch_all(&self.pool).await?.iter().map(read).collect()
    }

    /// Deletes a job with its runs and events, in whatever state it is. Was there one?
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_job(&self, id: JobId) -> Result<bool, Error> {
        let mut write = self.write().await?;
        let delete = sqlx::query("DELETE FROM jobs WHERE id = $1").bind(id.to_string());
        let deleted = delete.execute(write.connection()).await?.rows_affected();
        write.commit().await?;
        Ok(deleted > 0)
    }
}

/// A job from a row with the columns of `job_columns!`.
pub(crate) fn read(row: &AnyRow) -> Result<Job, Error> {
    Ok(Job {
        id: parsed(row, "id")?,
        state: parsed(row, "state")?,
        reason: json(row, "reason")?,
        request: json(row, "request")?,
        attempt: number(row, "attempt")?,
        fence: number(row, "fence")?,
        created_at: time(row, "created_at")?,
        started_at: time_or_null(row, "started_at")?,
        finished_at: time_or_null(row, "finished_at")?,
        run: parsed_or_null(row, "run_id")?,
        outcome: json_or_null(row, "outcome")?,
        last_seq: number(row, "last_seq")?,
    })
}
