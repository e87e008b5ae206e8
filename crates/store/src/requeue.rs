//! Returns a job to the queue whose run provably never began.

use model::{Draft, Job, JobId, Reason, RunId};
use sqlx::Row;

use crate::{
    Error, Store,
    columns::{number, to_bound},
    events::{self, Tail},
    jobs::{job_columns, read, reason_columns},
    locks,
};

/// Undoes a claim, except for the fence: time and priority stay, so the place in the queue is the original one. `resume` and the
/// secrets stay as well.
const REQUEUE: &str = concat!(
    "UPDATE jobs SET state = 'queued', reason = $1, last_lines = $2, attempt = attempt - 1, run_id = NULL, \
     started_at = NULL, finished_at = NULL, outcome = NULL, rc = NULL, tasks = 0, node = NULL, lease_until = NULL, \
     never_began = never_began + $3 \
     WHERE id = $4 AND fence = $5 AND run_id = $6 AND state = 'running' AND never_began + $3 < $7 RETURNING ",
    job_columns!(),
    ", line_end, queue_key"
);

/// A claim that is undone.
#[derive(Debug, Clone, Copy)]
pub struct Requeue<'a> {
    /// The job.
    pub id: JobId,
    /// The claim it must be under.
    pub fence: u64,
    /// The run that never began.
    pub run: RunId,
    /// How much this time counts.
    pub weight: u32,
    /// How much all times in a row together may not reach.
    pub limit: u32,
    /// Why.
    pub reason: &'a Reason,
    /// The event that reports it.
    pub event: &'a Draft,
}

/// The result.
#[derive(Debug, PartialEq)]
pub enum Requeued {
    /// The job waits again.
    Queued(Box<Job>),
    /// Nothing was changed: it happened too often in a row.
    TooOften,
}

impl Store {
    /// Returns a running job to its original place in the queue, as if its run had not existed. It releases its lease and its
    /// resources, and waits for them in its old order.
    ///
    /// # Errors
    /// [`Error::Stale`] when the job is not running, is under another claim, or has another run.
    pub async fn requeue(&self, requeue: &Requeue<'_>) -> Result<Requeued, Error> {
        let Requeue { id, fence, run, .. } = *requeue;
        let (reason, last_lines) = reason_columns(requeue.reason)?;
        let update = sqlx::query(REQUEUE)
            .bind(reason)
            .bind(last_lines)
            .bind(i64::from(requeue.weight))
            .bind(id.to_string())
            .bind(to_bound(fence))
            .bind(run.to_string())
            .bind(i64::from(requeue.limit));
        let mut write = self.write().await?;
        let Some(row) = update.fetch_optional(write.connection()).await? else {
            write.rollback().await?;
            return self.why_not(requeue).await;
        };
        let mut job = read(&row)?;
        let tail = Tail { seq: job.last_seq, line_end: number(&row, "line_end")? };
        locks::release(write.connection(), &job).await?;
        locks::wait(write.connection(), &job, row.try_get("queue_key")?).await?;
        // The attempt gets its number again with the next claim.
        let delete = sqlx::query("DELETE FROM runs WHERE id = $1").bind(run.to_string());
        delete.execute(write.connection()).await?;
        job.last_seq = events::append_one(&mut write, job.id, tail, requeue.event).await?;
        write.commit().await?;
        Ok(Requeued::Queued(Box::new(job)))
    }

    async fn why_not(&self, requeue: &Requeue<'_>) -> Result<Requeued, Error> {
        let running = sqlx::query(
            "SELECT never_began FROM jobs WHERE id = $1 AND fence = $2 AND run_id = $3 AND state = 'running'",
        );
        let running = running.bind(requeue.id.to_string()).bind(to_bound(requeue.fence));
        let row = running.bind(requeue.run.to_string()).fetch_optional(&self.pool).await?;
        let count: Option<u32> = row.map(|row| number(&row, "never_began")).transpose()?;
        match count {
            Some(count) if count.saturating_add(requeue.weight) >= requeue.limit => Ok(Requeued::TooOften),
            _ => Err(Error::Stale { job: requeue.id }),
        }
    }
}

#[cfg(test)]
mod tests {
    use model::JobState;

    use super::*;

    #[test]
    fn the_words_in_the_statement_are_those_of_the_model() {
        for state in [JobState::Queued, JobState::Running] {
            assert!(REQUEUE.contains(&format!("state = '{state}'")), "{REQUEUE}");
        }
    }
}
