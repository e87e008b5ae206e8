//! How long steps of plans took, by platform. They outlive ranges and plans: later ranges are planned with them.

use std::collections::BTreeSet;

use jiff::Timestamp;
use model::PlanId;
use sqlx::any::AnyRow;

use crate::{
    Error, Store,
    columns::{number, text, to_number, to_text},
};

/// A step is recorded once, even if its plan ends several times.
const INSERT: &str = "INSERT INTO step_times (plan_id, step, platform, kind, is_change, subject, recorded_at, took_ms) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING";

/// Deletes all but the latest ones.
const TRIM: &str = "DELETE FROM step_times WHERE platform = $1 AND kind = $2 AND is_change = $3 AND subject = $4 \
     AND (recorded_at, plan_id, step) <= (SELECT recorded_at, plan_id, step FROM step_times WHERE platform = $1 \
     AND kind = $2 AND is_change = $3 AND subject = $4 ORDER BY recorded_at DESC, plan_id DESC, step DESC LIMIT 1 OFFSET $5)";

const OF_PLATFORM: &str = "SELECT step, kind, is_change, subject, took_ms FROM step_times WHERE platform = $1 \
     ORDER BY kind, is_change, subject, recorded_at, plan_id, step";

/// How long a step took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepTime {
    /// Its place in its plan, from 0.
    pub step: u32,
    /// Its kind.
    pub kind: String,
    /// Did it change something that existed?
    pub is_change: bool,
    /// The template of its machine, or the name of its content; empty for others.
    pub subject: String,
    /// Milliseconds.
    pub took_ms: u64,
}

impl Store {
    /// Records how long steps of a plan took. Of each platform, kind and subject, the latest `kept` ones are kept.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn record_step_times(
        &self,
        platform: &str,
        plan: PlanId,
        now: Timestamp,
        times: &[StepTime],
        kept: u32,
    ) -> Result<(), Error> {
        let mut write = self.write().await?;
        // In order, so that two nodes delete the same rows in the same order.
        let mut keys = BTreeSet::new();
        for StepTime { step, kind, is_change, subject, took_ms } in times {
            let key = (to_text(kind).into_owned(), i64::from(*is_change), to_text(subject).into_owned());
            let insert = sqlx::query(INSERT)
                .bind(plan.to_string())
                .bind(i64::from(*step))
                .bind(platform.to_owned())
                .bind(key.0.clone())
                .bind(key.1)
                .bind(key.2.clone())
                .bind(now.as_millisecond())
                .bind(to_number("took_ms", *took_ms)?);
            insert.execute(write.connection()).await?;
            keys.insert(key);
        }
        for (kind, is_change, subject) in keys {
            let trim = sqlx::query(TRIM).bind(platform.to_owned()).bind(kind).bind(is_change).bind(subject);
            trim.bind(i64::from(kept)).execute(write.connection()).await?;
        }
        write.commit().await
    }

    /// How long steps took on a platform: by kind and subject, the latest ones last.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn step_times(&self, platform: &str) -> Result<Vec<StepTime>, Error> {
        let select = sqlx::query(OF_PLATFORM).bind(platform.to_owned());
        select.fetch_all(&self.pool).await?.iter().map(read).collect()
    }
}

fn read(row: &AnyRow) -> Result<StepTime, Error> {
    Ok(StepTime {
        step: number(row, "step")?,
        kind: text(row, "kind")?,
        is_change: number::<i64>(row, "is_change")? != 0,
        subject: text(row, "subject")?,
        took_ms: number(row, "took_ms")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::plan;

    #[tokio::test]
    async fn times_are_read_and_deleted_by_an_index_in_order() {
        for statement in [TRIM, OF_PLATFORM] {
            let plan = plan(statement).await;
            let is_direct = !plan.contains("SCAN step_times") && !plan.contains("TEMP B-TREE");
            assert!(is_direct && plan.contains("step_times_by_key"), "{statement}: {plan}");
        }
    }
}
