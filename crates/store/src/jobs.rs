//! Jobs: stored, read, counted.

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::{Draft, Encrypted, Job, JobId, JobState, JobSummary, Reason};
use sqlx::any::AnyRow;

use crate::{
    Error, IdempotencyKey, Inserted, Store, Write, children,
    columns::{
        json, json_or_null, number, number_or_null, parsed, parsed_or_null, text_or_null, time, time_or_null,
        to_json, to_json_or_null, to_number,
    },
    events::{self, Tail},
    locks,
    turns::{self, Full, QueueLimits},
};

/// The columns that [`read`] needs.
macro_rules! job_columns {
    () => {
        "id, state, reason, last_lines, request, attempt, fence, created_at, queued_at, started_at, finished_at, \
         run_id, node, lease_until, resume, outcome, tasks, last_seq, acts_for, parent, submitted_by, secrets"
    };
}
pub(crate) use job_columns;

/// The columns that [`read_summary`] needs.
macro_rules! summary_columns {
    () => {
        "jobs.id, jobs.state, jobs.reason, jobs.request, jobs.attempt, jobs.created_at, jobs.started_at, \
         jobs.finished_at, jobs.rc, jobs.last_seq, jobs.parent, jobs.submitted_by"
    };
}
pub(crate) use summary_columns;

const INSERT: &str = "INSERT INTO jobs (id, state, reason, last_lines, request, kind, name, attempt, fence, \
     created_at, queued_at, queue_key, started_at, finished_at, run_id, node, lease_until, resume, outcome, rc, \
     tasks, secrets, owner, priority, acts_for, parent, submitted_by, last_seq, line_end, bytes) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, \
     $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, 0, 0, 0)";

const SELECT: &str = concat!("SELECT ", job_columns!(), " FROM jobs WHERE id = $1");

/// The caller that submits a job, and the limits of queued jobs. A child has its turns with the caller of its parent, and is not counted:
/// its parent was admitted.
#[derive(Debug, Clone, Copy, Default)]
pub struct Admission<'a> {
    /// The caller's mark, where the caller is known.
    pub owner: Option<&'a str>,
    /// The limits of queued jobs.
    pub limits: QueueLimits,
    /// The claim of the job's parent, where it has one.
    pub parent_fence: u64,
}

impl Store {
    /// Stores a new job and its first event, which gets the number 1 whatever [`Job::last_seq`] says. Under a key
    /// of the caller it is stored once, however many requests arrive at the same time.
    ///
    /// # Errors
    /// When a job with this id is there already, or the database fails. [`Error::Stale`] when the job has a parent that
    /// does not run, or not under that claim.
    pub async fn insert_job(
        &self,
        job: &Job,
        event: &Draft,
        key: Option<&IdempotencyKey>,
        admission: Admission<'_>,
    ) -> Result<Inserted, Error> {
        let mut write = self.write().await?;
        let (owner, limits) = match job.parent {
            None => (admission.owner.map(str::to_owned), admission.limits),
            Some(parent) => {
                let Some(owner) = children::of_running(&mut write, parent, admission.parent_fence).await?
                else {
                    write.rollback().await?;
                    return Err(Error::Stale { job: parent });
                };
                (owner, QueueLimits::default())
            }
        };
        let owner = owner.as_deref();
        let room = match job.state {
            JobState::Queued => turns::room(write.connection(), owner, limits).await?,
            _ => Ok(()),
        };
        let (id, priority) = (job.id.to_string(), job.request.priority);
        let turn = turns::of(write.connection(), &id, owner, job.queued_at, priority).await?;
        insert_row(&mut write, job, owner, turn).await?;
        if let Some(key) = key
            && let Some(taken) = key.claim(write.connection(), job.id, job.created_at).await?
        {
            write.rollback().await?;
            return Ok(taken);
        }
        // A job that is known already takes no room.
        if let Err(full) = room {
            write.rollback().await?;
            return Ok(Inserted::Full(full));
        }
        insert_labels(&mut write, job).await?;
        if job.state == JobState::Queued {
            locks::wait(write.connection(), job, turn).await?;
        }
        events::append_one(&mut write, job.id, Tail::default(), event).await?;
        write.commit().await?;
        Ok(Inserted::New)
    }

    /// The job, where there is one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn job(&self, id: JobId) -> Result<Option<Job>, Error> {
        let row = sqlx::query(SELECT).bind(id.to_string()).fetch_optional(&self.pool).await?;
        row.as_ref().map(read).transpose()
    }

    /// The limit that one more queued job of this caller would exceed; `None` if it is allowed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn is_full(&self, admission: Admission<'_>) -> Result<Option<Full>, Error> {
        let mut connection = self.pool.acquire().await?;
        Ok(turns::room(&mut connection, admission.owner, admission.limits).await?.err())
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

/// The columns `reason` and `last_lines`: lists need only the first.
pub(crate) fn reason_columns(reason: &Reason) -> Result<(String, Option<String>), Error> {
    let Reason { phase, code, message, last_lines } = reason;
    let short = Reason::new(*phase, *code, message.as_str());
    let lines = Some(last_lines).filter(|lines| !lines.is_empty());
    Ok((to_json("reason", &short)?, to_json_or_null("last_lines", lines)?))
}

async fn insert_row(write: &mut Write, job: &Job, owner: Option<&str>, turn: i64) -> Result<(), Error> {
    let (reason, last_lines) = reason_columns(&job.reason)?;
    let (kind, name) = job.request.work.subject();
    let rc = job.outcome.as_ref().and_then(|outcome| outcome.detail.rc());
    sqlx::query(INSERT)
        .bind(job.id.to_string())
        .bind(job.state.as_str())
        .bind(reason)
        .bind(last_lines)
        .bind(to_json("request", &job.request)?)
        .bind(kind)
        .bind(name.to_owned())
        .bind(i64::from(job.attempt))
        .bind(to_number("fence", job.fence)?)
        .bind(job.created_at.as_millisecond())
        .bind(job.queued_at.as_millisecond())
        .bind(turn)
        .bind(job.started_at.map(Timestamp::as_millisecond))
        .bind(job.finished_at.map(Timestamp::as_millisecond))
        .bind(job.run.map(|run| run.to_string()))
        .bind(job.node.clone())
        .bind(job.lease_until.map(Timestamp::as_millisecond))
        .bind(to_json_or_null("resume", job.resume.as_ref())?)
        .bind(to_json_or_null("outcome", job.outcome.as_ref())?)
        .bind(rc.map(i64::from))
        .bind(to_number("tasks", job.tasks)?)
        .bind(job.secrets.as_ref().map(|sealed| sealed.0.clone()))
        .bind(owner.map(str::to_owned))
        .bind(i64::from(job.request.priority.get()))
        .bind(job.acts_for.as_ref().map(ToString::to_string))
        .bind(job.parent.map(|parent| parent.to_string()))
        .bind(to_json("submitted_by", &job.submitted_by)?)
        .execute(write.connection())
        .await?;
    Ok(())
}

async fn insert_labels(write: &mut Write, job: &Job) -> Result<(), Error> {
    for (key, value) in &*job.request.labels {
        sqlx::query("INSERT INTO job_labels (job_id, key, value, created_at) VALUES ($1, $2, $3, $4)")
            .bind(job.id.to_string())
            .bind(key.as_str())
            .bind(value.as_str())
            .bind(job.created_at.as_millisecond())
            .execute(write.connection())
            .await?;
    }
    Ok(())
}

/// A job from a row with the columns of `job_columns!`.
pub(crate) fn read(row: &AnyRow) -> Result<Job, Error> {
    let mut reason: Reason = json(row, "reason")?;
    reason.last_lines = json_or_null(row, "last_lines")?.unwrap_or_default();
    Ok(Job {
        id: parsed(row, "id")?,
        state: parsed(row, "state")?,
        reason,
        request: json(row, "request")?,
        submitted_by: json_or_null(row, "submitted_by")?.unwrap_or_default(),
        parent: parsed_or_null(row, "parent")?,
        attempt: number(row, "attempt")?,
        fence: number(row, "fence")?,
        created_at: time(row, "created_at")?,
        queued_at: time(row, "queued_at")?,
        started_at: time_or_null(row, "started_at")?,
        finished_at: time_or_null(row, "finished_at")?,
        run: parsed_or_null(row, "run_id")?,
        node: text_or_null(row, "node")?,
        lease_until: time_or_null(row, "lease_until")?,
        resume: json_or_null(row, "resume")?,
        acts_for: parsed_or_null(row, "acts_for")?,
        outcome: json_or_null(row, "outcome")?,
        tasks: number(row, "tasks")?,
        last_seq: number(row, "last_seq")?,
        secrets: text_or_null(row, "secrets")?.map(Encrypted),
    })
}

/// A summary from a row with the columns of `summary_columns!`.
pub(crate) fn read_summary(row: &AnyRow) -> Result<JobSummary, Error> {
    Ok(JobSummary {
        id: parsed(row, "id")?,
        state: parsed(row, "state")?,
        reason: json(row, "reason")?,
        request: json(row, "request")?,
        submitted_by: json_or_null(row, "submitted_by")?.unwrap_or_default(),
        parent: parsed_or_null(row, "parent")?,
        attempt: number(row, "attempt")?,
        created_at: time(row, "created_at")?,
        started_at: time_or_null(row, "started_at")?,
        finished_at: time_or_null(row, "finished_at")?,
        rc: number_or_null(row, "rc")?,
        last_seq: number(row, "last_seq")?,
    })
}
