//! The queue: the jobs table seen by state. A claim takes the first queued job that can have its resources.
//!
//! The job that has waited longest is first; one point of priority counts as a minute of waiting.

use jiff::Timestamp;
use model::{Draft, Job, JobId, JobRequest, JobSummary, Priority, Reason, RunId, Work};

use crate::{
    Backend, Blocker, Error, Store,
    columns::{json, number, parsed, text, time},
    events::{self, Tail},
    jobs::{job_columns, read, read_summary, reason_columns, summary_columns},
    locks::{self, resources_are_free},
    runs,
    states::active,
};

/// How often a claimer retries when others took the resources of the job it selected. Each time another claim
/// went through, so this ends; the bound is for the case that something else is wrong.
const MOST_LOOKS: usize = 64;

/// One statement, and a way for claimers that run at once to pass each other.
macro_rules! claim {
    ($lock:literal) => {
        concat!(
            "UPDATE jobs SET state = 'running', attempt = attempt + 1, fence = fence + 1, run_id = $1, \
             started_at = $2, finished_at = NULL, reason = $3, last_lines = $4, outcome = NULL, rc = NULL, \
             tasks = 0, node = $5, lease_until = $6 \
             WHERE id = (SELECT next.id FROM jobs AS next WHERE next.state = 'queued' AND ",
            resources_are_free!(),
            " ORDER BY next.queue_key, next.id LIMIT 1",
            $lock,
            ") RETURNING ",
            job_columns!(),
            ", line_end"
        )
    };
}

/// SQLite has one writer at a time: there are no locked rows to skip.
const CLAIM_SQLITE: &str = claim!("");
const CLAIM_POSTGRES: &str = claim!(" FOR UPDATE OF next SKIP LOCKED");

const PLACE: &str = "SELECT (SELECT COUNT(*) FROM jobs AS other WHERE other.state = 'queued' \
     AND (other.queue_key, other.id) < (mine.queue_key, mine.id)) AS place \
     FROM jobs AS mine WHERE mine.id = $1 AND mine.state = 'queued'";

const QUEUE: &str =
    "SELECT id, request, queued_at FROM jobs WHERE state = 'queued' ORDER BY queue_key, id LIMIT $1";

const RUNNING: &str = concat!(
    "SELECT ",
    summary_columns!(),
    ", node, lease_until FROM jobs WHERE ",
    active!(),
    " ORDER BY started_at, id"
);

/// The data of a claimer.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// The run it will start.
    pub run: RunId,
    /// The node that it belongs to.
    pub node: &'a str,
    /// When the run begins.
    pub now: Timestamp,
    /// When the node's lease expires unless it is renewed.
    pub lease_until: Timestamp,
    /// Why the job runs.
    pub reason: &'a Reason,
    /// The event that reports it.
    pub event: &'a Draft,
}

/// Why a job waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// How many queued jobs are before it, as the order is now.
    pub position: u64,
    /// The blockers of its resources; empty if only a slot is missing.
    pub blockers: Vec<Blocker>,
}

/// A job in the queue.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueEntry {
    /// The job.
    pub id: JobId,
    /// Its work.
    pub work: Work,
    /// How urgent it is.
    pub priority: Priority,
    /// Since when it waits.
    pub queued_at: Timestamp,
    /// Why it waits.
    pub waiting: Waiting,
}

/// A running job.
#[derive(Debug, Clone, PartialEq)]
pub struct RunningJob {
    /// The job.
    pub job: JobSummary,
    /// Who holds it.
    pub node: String,
    /// When the lease expires unless it is renewed.
    pub lease_until: Timestamp,
}

impl Store {
    /// Claims the first queued job that can have its resources: it becomes running, in a new attempt under a new
    /// fence, has its resources for itself, and no other node gets it. `None` if there is no such job.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim_next(&self, claim: &Claim<'_>) -> Result<Option<Job>, Error> {
        for _ in 0..MOST_LOOKS {
            match self.try_claim(claim).await? {
                ClaimAttempt::Claimed(job) => return Ok(Some(*job)),
                ClaimAttempt::Nothing => return Ok(None),
                ClaimAttempt::Lost => {}
            }
        }
        tracing::warn!("other claimers were faster each time");
        Ok(None)
    }

    async fn try_claim(&self, claim: &Claim<'_>) -> Result<ClaimAttempt, Error> {
        let (reason, last_lines) = reason_columns(claim.reason)?;
        let update = sqlx::query(match self.backend {
            Backend::Sqlite => CLAIM_SQLITE,
            Backend::Postgres => CLAIM_POSTGRES,
        })
        .bind(claim.run.to_string())
        .bind(claim.now.as_millisecond())
        .bind(reason)
        .bind(last_lines)
        .bind(claim.node.to_owned())
        .bind(claim.lease_until.as_millisecond());
        let mut write = self.write().await?;
        let Some(row) = update.fetch_optional(write.connection()).await? else {
            write.rollback().await?;
            return Ok(ClaimAttempt::Nothing);
        };
        let mut job = read(&row)?;
        if !locks::take(write.connection(), &job).await? {
            write.rollback().await?;
            return Ok(ClaimAttempt::Lost);
        }
        let tail = Tail { seq: job.last_seq, line_end: number(&row, "line_end")? };
        runs::insert(write.connection(), claim.run, &job, claim.now).await?;
        job.last_seq = events::append_one(&mut write, job.id, tail, claim.event).await?;
        write.commit().await?;
        Ok(ClaimAttempt::Claimed(Box::new(job)))
    }

    /// Why a job waits; `None` when it does not, or is not there.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn waiting(&self, job: JobId) -> Result<Option<Waiting>, Error> {
        let place = sqlx::query(PLACE).bind(job.to_string()).fetch_optional(&self.pool).await?;
        let Some(place) = place else { return Ok(None) };
        Ok(Some(Waiting { position: number(&place, "place")?, blockers: self.blockers(job).await? }))
    }

    /// The first jobs of the queue, in its order: at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn queue(&self, limit: u32) -> Result<Vec<QueueEntry>, Error> {
        let rows = sqlx::query(QUEUE).bind(i64::from(limit)).fetch_all(&self.pool).await?;
        let blockers = self.blockers_of_first(limit).await?;
        let entry = |(position, row)| {
            let request: JobRequest = json(row, "request")?;
            let id = parsed(row, "id")?;
            // Sorted by job.
            let first = blockers.partition_point(|(job, _)| *job < id);
            let mine = blockers[first..].iter().take_while(|(job, _)| *job == id);
            let waiting = Waiting { position, blockers: mine.map(|(_, blocker)| blocker.clone()).collect() };
            let (work, priority) = (request.work, request.priority);
            Ok(QueueEntry { id, work, priority, queued_at: time(row, "queued_at")?, waiting })
        };
        (0..).zip(&rows).map(entry).collect()
    }

    /// All running jobs, the longest running first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn running(&self) -> Result<Vec<RunningJob>, Error> {
        let rows = sqlx::query(RUNNING).fetch_all(&self.pool).await?;
        let running = |row| {
            let (node, lease_until) = (text(row, "node")?, time(row, "lease_until")?);
            Ok(RunningJob { job: read_summary(row)?, node, lease_until })
        };
        rows.iter().map(running).collect()
    }
}

/// The result of reading the queue.
enum ClaimAttempt {
    Claimed(Box<Job>),
    Nothing,
    /// Another claimer took a resource of the job that was next.
    Lost,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::plan;
    use model::JobState;

    #[tokio::test]
    async fn a_claim_goes_through_the_queue_in_its_order() {
        let plan = plan(CLAIM_SQLITE).await;
        assert!(plan.contains("SEARCH next USING COVERING INDEX jobs_by_turn"), "{plan}");
        assert!(!plan.contains("SCAN") && !plan.contains("TEMP B-TREE"), "{plan}");
    }

    #[test]
    fn the_words_in_the_statements_are_those_of_the_model() {
        let word = |state: JobState| format!("state = '{state}'");
        assert!(CLAIM_SQLITE.contains(&word(JobState::Running)));
        for statement in [CLAIM_SQLITE, CLAIM_POSTGRES, PLACE, QUEUE] {
            assert!(statement.contains(&word(JobState::Queued)), "{statement}");
        }
    }
}
