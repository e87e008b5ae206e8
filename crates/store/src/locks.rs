//! Resources: those that queued jobs wait for, and those that running jobs hold, exclusively or shared.
//!
//! A job gets all its resources in its claim or none, so no job waits while holding one. Each resource is assigned in
//! the order of the queue: a job that waits for two of them is not passed by others that need only one, and one that
//! needs a resource for itself is not passed by others that share it, or it might wait indefinitely.
//!
//! Resources of an owner (`owners.rs`) are blocked for all jobs that do not act for it. Those that do need not wait behind
//! those that do not, which cannot have the resource before the owner releases it.

use model::{Job, LockMode};
use sqlx::{AnyConnection, Row};

use crate::{Error, columns::to_number};

/// True of two locks, of which one at least is exclusive.
macro_rules! excludes {
    ($one:literal, $other:literal) => {
        concat!("(", $one, ".shared = 0 OR ", $other, ".shared = 0)")
    };
}
pub(crate) use excludes;

/// True of an owner's lock `owned` that keeps its resource from the wait `mine`.
macro_rules! is_kept_by_owner {
    () => {
        concat!(
            crate::locks::excludes!("owned", "mine"),
            " AND (mine.acts_for IS NULL OR owned.owner <> mine.acts_for)"
        )
    };
}
pub(crate) use is_kept_by_owner;

/// True of a wait `other` for the same resource that the wait `mine` is behind.
macro_rules! is_behind {
    () => {
        concat!(
            "other.resource = mine.resource AND ",
            crate::locks::excludes!("other", "mine"),
            " AND (other.queue_key, other.job_id) < (mine.queue_key, mine.job_id) \
             AND (other.acts_for = mine.acts_for OR NOT EXISTS (SELECT 1 FROM resource_owners AS own \
             WHERE own.resource = mine.resource AND own.owner = mine.acts_for))"
        )
    };
}
pub(crate) use is_behind;

/// True of a job `next` that nothing keeps from its resources.
macro_rules! resources_are_free {
    () => {
        concat!(
            "NOT EXISTS (SELECT 1 FROM waits AS mine WHERE mine.job_id = next.id AND (\
             EXISTS (SELECT 1 FROM resource_locks AS taken WHERE taken.resource = mine.resource \
             AND taken.holders > 0 AND ",
            crate::locks::excludes!("taken", "mine"),
            ") OR EXISTS (SELECT 1 FROM resource_owners AS owned WHERE owned.resource = mine.resource AND ",
            crate::locks::is_kept_by_owner!(),
            ") OR EXISTS (SELECT 1 FROM waits AS other WHERE ",
            crate::locks::is_behind!(),
            ")))"
        )
    };
}
pub(crate) use resources_are_free;

/// Takes those of a job's resources that it can have, in an order that all claimers keep, so that none waits for
/// another in a circle.
const TAKE: &str = "INSERT INTO resource_locks (resource, shared, holders) SELECT resource, shared, 1 FROM waits \
     WHERE job_id = $1 ORDER BY resource ON CONFLICT (resource) DO UPDATE \
     SET holders = resource_locks.holders + 1, shared = excluded.shared \
     WHERE resource_locks.holders = 0 OR (resource_locks.shared = 1 AND excluded.shared = 1)";

/// Queried after the rows of the resources are written: then an owner that is taking one of them has finished.
const KEPT_BY_OWNERS: &str = concat!(
    "SELECT COUNT(*) AS kept FROM waits AS mine JOIN resource_owners AS owned ON owned.resource = mine.resource \
     WHERE mine.job_id = $1 AND ",
    is_kept_by_owner!()
);

const HOLD: &str = "INSERT INTO resource_holders (resource, job_id, acts_for) \
     SELECT resource, job_id, acts_for FROM waits WHERE job_id = $1";

/// An update, written as an insertion because that keeps to the order.
const GIVE_BACK: &str = "INSERT INTO resource_locks (resource, shared, holders) \
     SELECT resource, 0, 0 FROM resource_holders WHERE job_id = $1 ORDER BY resource \
     ON CONFLICT (resource) DO UPDATE SET holders = resource_locks.holders - 1";

const FORGET_FREE: &str = "DELETE FROM resource_locks WHERE holders <= 0 \
     AND resource IN (SELECT resource FROM resource_holders WHERE job_id = $1)";

/// The column with the lock mode of a resource.
pub(crate) const fn is_shared(mode: LockMode) -> i64 {
    match mode {
        LockMode::Exclusive => 0,
        LockMode::Shared => 1,
    }
}

/// Lines a queued job up for its resources.
pub(crate) async fn wait(connection: &mut AnyConnection, job: &Job, queue_key: i64) -> Result<(), Error> {
    for lock in &*job.request.resources {
        let wait =
            "INSERT INTO waits (resource, shared, queue_key, job_id, acts_for) VALUES ($1, $2, $3, $4, $5)";
        sqlx::query(wait)
            .bind(lock.resource.as_str())
            .bind(is_shared(lock.mode))
            .bind(queue_key)
            .bind(job.id.to_string())
            .bind(job.acts_for.as_ref().map(ToString::to_string))
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Assigns to a job that is being claimed the resources it waited for. Did it get all of them? Another claimer, or an owner,
/// may have been faster: then the claim must be undone.
pub(crate) async fn take(connection: &mut AnyConnection, job: &Job) -> Result<bool, Error> {
    if job.request.resources.is_empty() {
        return Ok(true);
    }
    let id = job.id.to_string();
    let taken = sqlx::query(TAKE).bind(id.clone()).execute(&mut *connection).await?.rows_affected();
    if to_number("taken", taken)? != i64::try_from(job.request.resources.len()).unwrap_or(i64::MAX) {
        return Ok(false);
    }
    let kept = sqlx::query(KEPT_BY_OWNERS).bind(id.clone()).fetch_one(&mut *connection).await?;
    if kept.try_get::<i64, _>("kept")? > 0 {
        return Ok(false);
    }
    for statement in [HOLD, "DELETE FROM waits WHERE job_id = $1"] {
        sqlx::query(statement).bind(id.clone()).execute(&mut *connection).await?;
    }
    Ok(true)
}

/// Removes all locks and waits of a job. Owners keep their resources.
pub(crate) async fn release(connection: &mut AnyConnection, job: &Job) -> Result<(), Error> {
    if !job.request.resources.is_empty() {
        let forget = [
            GIVE_BACK,
            FORGET_FREE,
            "DELETE FROM resource_holders WHERE job_id = $1",
            "DELETE FROM waits WHERE job_id = $1",
        ];
        for statement in forget {
            sqlx::query(statement).bind(job.id.to_string()).execute(&mut *connection).await?;
        }
    }
    Ok(())
}
