//! Resources that things hold beyond any job: a range holds its machines for as long as it exists.
//!
//! An owner takes resources at once or not at all; it does not wait in the queue. A job that acts for the owner waits
//! there in its stead: once it runs it has the resources, and the owner can take them from under it.

use model::{Holder, JobId, LockMode, Resource, ResourceLock};
use sqlx::AnyConnection;

use crate::{
    Blocker, Error, Store,
    columns::{number, parsed, parsed_or_null},
    locks::{excludes, is_shared},
};

/// Waits for concurrent changes of the resource; afterwards the row is free, or contains the holder.
const TOUCH: &str = "INSERT INTO resource_locks (resource, shared, holders) VALUES ($1, 0, 0) \
     ON CONFLICT (resource) DO UPDATE SET holders = resource_locks.holders";

const HOLD: &str = "INSERT INTO resource_owners (resource, owner, shared) VALUES ($1, $2, $3) \
     ON CONFLICT (resource, owner) DO UPDATE SET shared = excluded.shared";

const IN_THE_WAY: &str = concat!(
    "SELECT mine.resource AS resource, holder.job_id AS job, CAST(NULL AS TEXT) AS owner \
     FROM resource_owners AS mine JOIN resource_locks AS taken ON taken.resource = mine.resource AND ",
    excludes!("taken", "mine"),
    " JOIN resource_holders AS holder ON holder.resource = mine.resource \
     AND (holder.acts_for IS NULL OR holder.acts_for <> mine.owner) WHERE mine.owner = $1 \
     UNION ALL SELECT mine.resource, NULL, other.owner FROM resource_owners AS mine \
     JOIN resource_owners AS other ON other.resource = mine.resource AND other.owner <> mine.owner AND ",
    excludes!("other", "mine"),
    " WHERE mine.owner = $1 ORDER BY resource, job, owner"
);

const FORGET_FREE: &str = "DELETE FROM resource_locks WHERE holders <= 0 \
     AND resource IN (SELECT resource FROM resource_owners WHERE owner = $1)";

const LIST: &str = "SELECT resource, owner, shared FROM resource_owners ORDER BY owner, resource LIMIT $1";

/// The result of taking resources for an owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owned {
    /// It holds all of them.
    Held,
    /// Nothing was changed: these are in the way.
    Blocked(Vec<Blocker>),
}

/// A resource that an owner holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerLock {
    /// Who holds it.
    pub owner: Resource,
    /// Its resources and their modes.
    pub lock: ResourceLock,
}

impl Store {
    /// Adds resources to those that an owner holds, all of them or none, until it releases them. Jobs that do not act for the
    /// owner can't get them, unless both share. Resources that it already holds get the new mode.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn hold_for(&self, owner: &Resource, locks: &[ResourceLock]) -> Result<Owned, Error> {
        let mut locks: Vec<&ResourceLock> = locks.iter().collect();
        // In the same order as claims of jobs.
        locks.sort_unstable_by(|a, b| a.resource.cmp(&b.resource));
        let mut write = self.write().await?;
        for lock in &locks {
            sqlx::query(TOUCH).bind(lock.resource.to_string()).execute(write.connection()).await?;
        }
        for lock in &locks {
            let hold = sqlx::query(HOLD).bind(lock.resource.to_string()).bind(owner.to_string());
            hold.bind(is_shared(lock.mode)).execute(write.connection()).await?;
        }
        let blockers = in_the_way(write.connection(), owner).await?;
        if !blockers.is_empty() {
            write.rollback().await?;
            return Ok(Owned::Blocked(blockers));
        }
        sqlx::query(FORGET_FREE).bind(owner.to_string()).execute(write.connection()).await?;
        write.commit().await?;
        Ok(Owned::Held)
    }

    /// Releases these resources of an owner; returns how many of them it held. Jobs that wait for them can be claimed
    /// from then on.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn release_for(&self, owner: &Resource, resources: &[Resource]) -> Result<u64, Error> {
        let mut write = self.write().await?;
        let mut released = 0;
        for resource in resources {
            let delete = sqlx::query("DELETE FROM resource_owners WHERE owner = $1 AND resource = $2");
            let delete = delete.bind(owner.to_string()).bind(resource.to_string());
            released += delete.execute(write.connection()).await?.rows_affected();
        }
        write.commit().await?;
        Ok(released)
    }

    /// Releases all resources of an owner; returns their number.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn release_all_for(&self, owner: &Resource) -> Result<u64, Error> {
        let mut write = self.write().await?;
        let delete = sqlx::query("DELETE FROM resource_owners WHERE owner = $1").bind(owner.to_string());
        let released = delete.execute(write.connection()).await?.rows_affected();
        write.commit().await?;
        Ok(released)
    }

    /// Resources of owners, by owner and resource: at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn owner_locks(&self, limit: u32) -> Result<Vec<OwnerLock>, Error> {
        let rows = sqlx::query(LIST).bind(i64::from(limit)).fetch_all(&self.pool).await?;
        let read = |row| {
            let mode = match number::<i64>(row, "shared")? {
                0 => LockMode::Exclusive,
                _ => LockMode::Shared,
            };
            let lock = ResourceLock { resource: parsed(row, "resource")?, mode };
            Ok(OwnerLock { owner: parsed(row, "owner")?, lock })
        };
        rows.iter().map(read).collect()
    }
}

async fn in_the_way(connection: &mut AnyConnection, owner: &Resource) -> Result<Vec<Blocker>, Error> {
    let rows = sqlx::query(IN_THE_WAY).bind(owner.to_string()).fetch_all(connection).await?;
    let mut blockers = Vec::new();
    for row in &rows {
        let job = parsed_or_null::<JobId>(row, "job")?.map(Holder::Job);
        let holder = job.or(parsed_or_null(row, "owner")?.map(Holder::Owner));
        if let Some(holder) = holder {
            blockers.push(Blocker { resource: parsed(row, "resource")?, holder, holds: true });
        }
    }
    Ok(blockers)
}
