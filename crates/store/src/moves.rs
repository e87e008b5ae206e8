//! State transitions: a job changes its state together with the event that reports it.

use jiff::Timestamp;
use model::{Draft, Job, JobId, JobState, Outcome, Reason, Resume};

use crate::{
    Error, Store, Write,
    columns::{number, text_or_null, to_bound, to_json_or_null},
    events::{self, Tail},
    jobs::{job_columns, read, reason_columns},
    locks, runs, turns,
};

/// A transition that ends the work also releases the lease.
const MOVE: &str = concat!(
    "UPDATE jobs SET state = $1, reason = $2, last_lines = $3, outcome = $4, rc = $5, finished_at = $6, \
     node = CASE WHEN $7 = 1 THEN node END, lease_until = CASE WHEN $7 = 1 THEN lease_until END, \
     secrets = CASE WHEN $8 = 1 THEN secrets END \
     WHERE id = $9 AND fence = $10 AND state = $11 RETURNING ",
    job_columns!(),
    ", line_end"
);

const QUEUE_AGAIN: &str = "UPDATE jobs SET queued_at = $1, queue_key = $2, resume = $3, started_at = NULL, \
     tasks = 0, never_began = 0 WHERE id = $4";

/// A transition of a job to another state, with its data.
#[derive(Debug, Clone, Copy)]
pub struct JobMove<'a> {
    /// The job.
    pub id: JobId,
    /// The state it must be in.
    pub from: JobState,
    /// The claim it must be under.
    pub fence: u64,
    /// The state it moves to; to `Running` only a claim moves.
    pub to: JobState,
    /// When: the job's end where it ends, its new place in the queue where it is queued again.
    pub now: Timestamp,
    /// Why.
    pub reason: &'a Reason,
    /// How its run ended, where it did: kept with the job and with its attempt. A job that is queued again has no
    /// outcome any more, its attempts keep theirs.
    pub outcome: Option<&'a Outcome>,
    /// How the next attempt differs from the request, if the job is queued again.
    pub resume: Option<&'a Resume>,
    /// Are the secrets of the job wiped?
    pub wipes_secrets: bool,
    /// The event that reports it.
    pub event: &'a Draft,
}

impl Store {
    /// Changes the state of a job and stores the event of the transition, and the outcome of its run if there is one. An ended
    /// or queued job has no lease and no resources.
    ///
    /// # Errors
    /// [`Error::Stale`] when the job is not in the state or not under the claim that the move expects.
    pub async fn move_job(&self, job_move: &JobMove<'_>) -> Result<Job, Error> {
        let outcome = to_json_or_null("outcome", job_move.outcome)?;
        let (reason, last_lines) = reason_columns(job_move.reason)?;
        let is_end = job_move.to.is_terminal();
        let stays_at_work = !is_end && job_move.to != JobState::Queued;
        let update = sqlx::query(MOVE)
            .bind(job_move.to.as_str())
            .bind(reason)
            .bind(last_lines)
            .bind(outcome.clone())
            .bind(job_move.outcome.and_then(|outcome| outcome.detail.rc()).map(i64::from))
            .bind(is_end.then(|| job_move.now.as_millisecond()))
            .bind(i64::from(stays_at_work))
            .bind(i64::from(!job_move.wipes_secrets))
            .bind(job_move.id.to_string())
            .bind(to_bound(job_move.fence))
            .bind(job_move.from.as_str());
        let mut write = self.write().await?;
        let Some(row) = update.fetch_optional(write.connection()).await? else {
            write.rollback().await?;
            return Err(Error::Stale { job: job_move.id });
        };
        let mut job = read(&row)?;
        let tail = Tail { seq: job.last_seq, line_end: number(&row, "line_end")? };
        if !stays_at_work {
            locks::release(write.connection(), &job).await?;
        }
        if job_move.to == JobState::Queued {
            queue_again(&mut write, &mut job, job_move).await?;
        }
        if let (Some(run), Some(ended), Some(outcome)) = (job.run, job_move.outcome, outcome) {
            runs::finish(write.connection(), run, ended.finished_at, outcome).await?;
        }
        job.last_seq = events::append_one(&mut write, job.id, tail, job_move.event).await?;
        write.commit().await?;
        Ok(job)
    }
}

async fn queue_again(write: &mut Write, job: &mut Job, job_move: &JobMove<'_>) -> Result<(), Error> {
    job.queued_at = job_move.now;
    job.resume = job_move.resume.cloned();
    job.started_at = None;
    job.tasks = 0;
    let id = job.id.to_string();
    let row = sqlx::query("SELECT owner FROM jobs WHERE id = $1").bind(id.clone());
    let owner = text_or_null(&row.fetch_one(write.connection()).await?, "owner")?;
    let queue_key =
        turns::of(write.connection(), &id, owner.as_deref(), job.queued_at, job.request.priority).await?;
    sqlx::query(QUEUE_AGAIN)
        .bind(job.queued_at.as_millisecond())
        .bind(queue_key)
        .bind(to_json_or_null("resume", job_move.resume)?)
        .bind(job.id.to_string())
        .execute(write.connection())
        .await?;
    locks::wait(write.connection(), job, queue_key).await
}
