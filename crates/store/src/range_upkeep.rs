//! Upkeep of ranges: their lifetime, plans that a crash left without a job, and ranges that were destroyed.

use jiff::Timestamp;
use model::{RangeId, StoredRange};

use crate::{Error, Store, columns::parsed, ranges::read, states::active};

const EXTEND: &str =
    "UPDATE ranges SET expires_at = $1, version = version + 1, updated_at = $2 WHERE id = $3";

/// Ranges whose last plan is not begun, and has no job.
const WITHOUT_JOB: &str = "SELECT ranges.id, ranges.name, ranges.platform, ranges.state, ranges.version, ranges.plan_id, ranges.created_at, \
     ranges.updated_at, ranges.expires_at, ranges.document, ranges.recorded FROM ranges \
     JOIN plans ON plans.id = ranges.plan_id WHERE ranges.state = 'changing' AND plans.phase = 'forward' \
     AND plans.created_at < $1 AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.id = plans.job_id) \
     AND NOT EXISTS (SELECT 1 FROM journal WHERE journal.plan_id = plans.id) ORDER BY ranges.id LIMIT $2";

/// Ranges of which nothing exists, and whose last job has ended.
const DESTROYED: &str = concat!(
    "SELECT ranges.id AS id FROM ranges JOIN plans ON plans.id = ranges.plan_id WHERE ranges.state = 'empty' \
     AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.id = plans.job_id AND (jobs.state = 'queued' OR jobs.",
    active!(),
    ")) ORDER BY ranges.id LIMIT $1"
);

const DELETE: &str = "DELETE FROM ranges WHERE id = $1 AND state = 'empty' \
     AND NOT EXISTS (SELECT 1 FROM range_leases WHERE range_id = $1)";

impl Store {
    /// Sets the time at which a range is to be destroyed. False if it does not exist.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_expiry(
        &self,
        range: RangeId,
        expires_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let mut write = self.write().await?;
        let update = sqlx::query(EXTEND)
            .bind(expires_at.map(|time| time.as_millisecond()))
            .bind(now.as_millisecond())
            .bind(range.to_string());
        let updated = update.execute(write.connection()).await?;
        write.commit().await?;
        Ok(updated.rows_affected() > 0)
    }

    /// Ranges whose last plan was stored before this time, and whose job never was: at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn ranges_without_job(&self, before: Timestamp, limit: u32) -> Result<Vec<StoredRange>, Error> {
        let select = sqlx::query(WITHOUT_JOB).bind(before.as_millisecond()).bind(i64::from(limit));
        select.fetch_all(&self.pool).await?.iter().map(read).collect()
    }

    /// Deletes ranges of which nothing exists and whose last job has ended, at most `limit`. Returns how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_destroyed_ranges(&self, limit: u32) -> Result<u64, Error> {
        let rows = sqlx::query(DESTROYED).bind(i64::from(limit)).fetch_all(&self.pool).await?;
        let mut deleted = 0;
        for row in rows {
            deleted += u64::from(self.delete_range(parsed(&row, "id")?).await?);
        }
        Ok(deleted)
    }

    /// Deletes a range of which nothing exists, with its plans and journals. Was it deleted?
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_range(&self, id: RangeId) -> Result<bool, Error> {
        let mut write = self.write().await?;
        let deleted = sqlx::query(DELETE).bind(id.to_string()).execute(write.connection()).await?;
        write.commit().await?;
        Ok(deleted.rows_affected() > 0)
    }
}

#[cfg(test)]
mod tests {
    use model::RangeState;

    use super::*;
    use crate::plan::plan;

    #[tokio::test]
    async fn ranges_are_changed_and_deleted_by_an_index() {
        for statement in [EXTEND, DELETE] {
            let plan = plan(statement).await;
            assert!(plan.contains("USING") && !plan.contains("TEMP B-TREE"), "{statement}: {plan}");
        }
        assert!(DELETE.contains(&format!("state = '{}'", RangeState::Empty)));
        assert!(WITHOUT_JOB.contains(&format!("state = '{}'", RangeState::Changing)));
    }
}
