//! Why a queued job does not get its resources: which job or owner holds them, or is earlier in the queue.

use std::collections::BTreeMap;

use model::{Holder, JobId, Resource};
use sqlx::any::AnyRow;

use crate::{
    Error, Store,
    columns::{parsed, parsed_or_null},
    locks::{excludes, is_behind, is_kept_by_owner},
};

/// For each wait: the jobs that have the resource, the owners that do, and the first of those before it that wait, too.
macro_rules! blockers {
    ($condition:literal) => {
        concat!(
            "SELECT mine.job_id AS job_id, mine.resource AS resource, holder.job_id AS holder, \
             CAST(NULL AS TEXT) AS owner, CAST(NULL AS TEXT) AS front FROM waits AS mine \
             JOIN resource_locks AS taken ON taken.resource = mine.resource AND taken.holders > 0 AND ",
            excludes!("taken", "mine"),
            " JOIN resource_holders AS holder ON holder.resource = mine.resource WHERE ",
            $condition,
            " UNION ALL SELECT mine.job_id, mine.resource, NULL, owned.owner, NULL FROM waits AS mine \
             JOIN resource_owners AS owned ON owned.resource = mine.resource AND ",
            is_kept_by_owner!(),
            " WHERE ",
            $condition,
            " UNION ALL SELECT mine.job_id, mine.resource, NULL, NULL, (SELECT other.job_id FROM waits AS other WHERE ",
            is_behind!(),
            " ORDER BY other.queue_key, other.job_id LIMIT 1) FROM waits AS mine WHERE ",
            $condition
        )
    };
}

const OF_ONE: &str = blockers!("mine.job_id = $1");

const OF_FIRST: &str = blockers!(
    "mine.job_id IN (SELECT next.id FROM jobs AS next WHERE next.state = 'queued' \
     ORDER BY next.queue_key, next.id LIMIT $1)"
);

/// A resource that a job waits for, and the job or owner that blocks it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocker {
    /// The resource.
    pub resource: Resource,
    /// Who has it or gets it first.
    pub holder: Holder,
    /// Does the holder have it? Otherwise it waits too, and is before in the queue.
    pub holds: bool,
}

impl Store {
    /// The blockers of a queued job.
    pub(crate) async fn blockers(&self, job: JobId) -> Result<Vec<Blocker>, Error> {
        let rows = sqlx::query(OF_ONE).bind(job.to_string()).fetch_all(&self.pool).await?;
        Ok(read(&rows)?.into_iter().map(|(_, blocker)| blocker).collect())
    }

    /// The blockers of the first jobs in the queue, with the job that waits, sorted by that job.
    pub(crate) async fn blockers_of_first(&self, limit: u32) -> Result<Vec<(JobId, Blocker)>, Error> {
        let rows = sqlx::query(OF_FIRST).bind(i64::from(limit)).fetch_all(&self.pool).await?;
        read(&rows)
    }
}

/// The known data of one wait.
#[derive(Default)]
struct Found {
    holders: Vec<Holder>,
    front: Option<JobId>,
}

/// A job that holds a resource is a better explanation than one that is first in the queue.
fn read(rows: &[AnyRow]) -> Result<Vec<(JobId, Blocker)>, Error> {
    let mut waits: BTreeMap<(JobId, Resource), Found> = BTreeMap::new();
    for row in rows {
        let found = waits.entry((parsed(row, "job_id")?, parsed(row, "resource")?)).or_default();
        found.holders.extend(parsed_or_null(row, "holder")?.map(Holder::Job));
        found.holders.extend(parsed_or_null(row, "owner")?.map(Holder::Owner));
        found.front = found.front.or(parsed_or_null(row, "front")?);
    }
    let mut blockers = Vec::new();
    for ((job, resource), Found { mut holders, front }) in waits {
        holders.sort_unstable();
        let holds = !holders.is_empty();
        if let Some(front) = front.filter(|_| !holds) {
            holders.push(Holder::Job(front));
        }
        let blocker = |holder| (job, Blocker { resource: resource.clone(), holder, holds });
        blockers.extend(holders.into_iter().map(blocker));
    }
    Ok(blockers)
}
