//! Resources: what queued jobs wait for, and what jobs at work have for themselves.
//!
//! A job gets all its resources in its claim or none, so nobody waits while holding one. Each resource is given in
//! the order of the queue: a job that waits for two of them is not passed by others that need only one, or it might
//! wait for ever.

use model::{Job, JobId, Resource};
use sqlx::AnyConnection;

use crate::{
    Error, Store,
    columns::{parsed, parsed_or_null},
};

/// True of a job `next` that nothing keeps from its resources.
macro_rules! resources_are_free {
    () => {
        "NOT EXISTS (SELECT 1 FROM waits AS mine WHERE mine.job_id = next.id AND (\
         EXISTS (SELECT 1 FROM locks WHERE locks.resource = mine.resource) OR \
         EXISTS (SELECT 1 FROM waits AS other WHERE other.resource = mine.resource \
         AND (other.queue_key, other.job_id) < (mine.queue_key, mine.job_id))))"
    };
}
pub(crate) use resources_are_free;

/// For each wait: who has the resource, and who of those that wait for it is first.
macro_rules! blockers {
    ($condition:literal) => {
        concat!(
            "SELECT mine.job_id, mine.resource, locks.job_id AS holder, (SELECT front.job_id FROM waits AS front \
             WHERE front.resource = mine.resource ORDER BY front.queue_key, front.job_id LIMIT 1) AS front \
             FROM waits AS mine LEFT JOIN locks ON locks.resource = mine.resource WHERE ",
            $condition,
            " ORDER BY mine.job_id, mine.resource"
        )
    };
}

const BLOCKERS_OF_ONE: &str = blockers!("mine.job_id = $1");

const BLOCKERS_OF_FIRST: &str = blockers!(
    "mine.job_id IN (SELECT next.id FROM jobs AS next WHERE next.state = 'queued' \
     ORDER BY next.queue_key, next.id LIMIT $1)"
);

/// Takes those of a job's resources that nobody has, in an order that all claimers keep, so that none waits for
/// another in a circle.
const TAKE: &str = "INSERT INTO locks (resource, job_id) SELECT resource, job_id FROM waits WHERE job_id = $1 \
     ORDER BY resource ON CONFLICT (resource) DO NOTHING";

/// A resource that a job waits for, and the job that keeps it from getting it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocker {
    /// What is waited for.
    pub resource: Resource,
    /// Who has it or gets it first.
    pub job: JobId,
    /// Does that job have it? Otherwise it waits too, and is before in the queue.
    pub holds: bool,
}

impl Store {
    /// What keeps a queued job from its resources.
    pub(crate) async fn blockers(&self, job: JobId) -> Result<Vec<Blocker>, Error> {
        let rows = sqlx::query(BLOCKERS_OF_ONE).bind(job.to_string()).fetch_all(&self.pool).await?;
        Ok(read(&rows)?.into_iter().map(|(_, blocker)| blocker).collect())
    }

    /// What keeps the first jobs of the queue from their resources, with the job that waits.
    pub(crate) async fn blockers_of_first(&self, limit: u32) -> Result<Vec<(JobId, Blocker)>, Error> {
        let rows = sqlx::query(BLOCKERS_OF_FIRST).bind(i64::from(limit)).fetch_all(&self.pool).await?;
        read(&rows)
    }
}

fn read(rows: &[sqlx::any::AnyRow]) -> Result<Vec<(JobId, Blocker)>, Error> {
    let mut blockers = Vec::new();
    for row in rows {
        let id: JobId = parsed(row, "job_id")?;
        let holder: Option<JobId> = parsed_or_null(row, "holder")?;
        let job = match holder {
            Some(holder) => holder,
            None => parsed(row, "front")?,
        };
        if job != id {
            let resource = parsed(row, "resource")?;
            blockers.push((id, Blocker { resource, job, holds: holder.is_some() }));
        }
    }
    Ok(blockers)
}

/// Lines a queued job up for its resources.
pub(crate) async fn wait(connection: &mut AnyConnection, job: &Job, queue_key: i64) -> Result<(), Error> {
    for resource in &*job.request.resources {
        sqlx::query("INSERT INTO waits (resource, queue_key, job_id) VALUES ($1, $2, $3)")
            .bind(resource.as_str())
            .bind(queue_key)
            .bind(job.id.to_string())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Gives a job that is being claimed the resources it waited for. Did it get all of them? Another claimer may have
/// been faster: then the claim must be undone.
pub(crate) async fn take(connection: &mut AnyConnection, job: &Job) -> Result<bool, Error> {
    if job.request.resources.is_empty() {
        return Ok(true);
    }
    let taken = sqlx::query(TAKE).bind(job.id.to_string()).execute(&mut *connection).await?;
    let waited = sqlx::query("DELETE FROM waits WHERE job_id = $1").bind(job.id.to_string());
    waited.execute(&mut *connection).await?;
    Ok(usize::try_from(taken.rows_affected()).is_ok_and(|taken| taken == job.request.resources.len()))
}

/// A job neither has nor waits for anything from here on.
pub(crate) async fn release(connection: &mut AnyConnection, job: &Job) -> Result<(), Error> {
    if !job.request.resources.is_empty() {
        for statement in ["DELETE FROM locks WHERE job_id = $1", "DELETE FROM waits WHERE job_id = $1"] {
            sqlx::query(statement).bind(job.id.to_string()).execute(&mut *connection).await?;
        }
    }
    Ok(())
}
