//! The journals of plans: written by the holder of the plan's job alone.
//!
//! Each write changes the row of the job, without a change, where the claim is that of the writer: another node that takes the job over
//! waits for the commit, and reads all that was written; a former holder finds another fence.

use std::{fmt::Write as _, sync::LazyLock};

use model::{JobId, JournalChange, JournalEntry, JournalPhase, JournalRecord, PlanId};
use sqlx::any::AnyRow;

use crate::{
    Backend, Error, Store, Write,
    columns::{number_or_null, parsed, text, text_or_null, to_bound, to_number, to_text},
    states::active,
};

const HOLD: &str = concat!("UPDATE jobs SET fence = fence WHERE id = $1 AND fence = $2 AND ", active!());

const OF_JOB: &str = "UPDATE plans SET phase = $1 WHERE id = $2 AND job_id = $3";

const READ: &str =
    "SELECT state, tag, handle, output, why, remedy, took_ms FROM journal WHERE plan_id = $1 ORDER BY step";

const CHANGE: &str = "UPDATE journal SET state = $1, handle = $2, output = $3, why = $4, remedy = $5, took_ms = $6 \
     WHERE plan_id = $7 AND step = $8 AND state = $9";

/// Hands a plan whose job has ended, or never was, to another job.
const TAKE: &str = concat!(
    "UPDATE plans SET job_id = $1 WHERE id = $2 AND (job_id = $1 OR NOT EXISTS \
     (SELECT 1 FROM jobs WHERE jobs.id = plans.job_id AND (state = 'queued' OR ",
    active!(),
    ")))"
);

/// Waits for those who store another plan of the range, unless this plan is not the last one any more.
const IS_LAST: &str = "UPDATE ranges SET version = version \
     WHERE id = (SELECT range_id FROM plans WHERE plans.id = $1) AND plan_id = $1";

/// How many rows one statement inserts, largest first.
const CHUNKS: [usize; 2] = [100, 1];

/// On SQLite parameters have no names, see `events.rs`.
static INSERTS_SQLITE: LazyLock<[String; CHUNKS.len()]> =
    LazyLock::new(|| CHUNKS.map(|rows| insert_statement(rows, |_| "?".to_owned())));
static INSERTS_POSTGRES: LazyLock<[String; CHUNKS.len()]> =
    LazyLock::new(|| CHUNKS.map(|rows| insert_statement(rows, |number| format!("${number}"))));

/// Who writes the journal of a plan: a job under its claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlanHolder {
    /// The plan.
    pub plan: PlanId,
    /// The job that carries it out.
    pub job: JobId,
    /// The fence of its claim.
    pub fence: u64,
}

impl Store {
    /// What is recorded of the steps of a plan; `None` before its journal is begun. The plan need not be held.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn journal(&self, plan: PlanId) -> Result<Option<JournalRecord>, Error> {
        let rows = sqlx::query(READ).bind(plan.to_string()).fetch_all(&self.pool).await?;
        let phase = sqlx::query("SELECT phase FROM plans WHERE id = $1").bind(plan.to_string());
        match phase.fetch_optional(&self.pool).await? {
            Some(phase) if !rows.is_empty() => Ok(Some(JournalRecord {
                phase: parsed(&phase, "phase")?,
                entries: rows.iter().map(read).collect::<Result<_, _>>()?,
            })),
            _ => Ok(None),
        }
    }

    /// Has the job of this claim carry out the plan from here on, if the job that did so has ended.
    ///
    /// # Errors
    /// [`Error::Stale`] when the job is not under this claim, or another job that has not ended carries out the plan.
    pub async fn take_plan(&self, holder: PlanHolder) -> Result<(), Error> {
        let mut write = self.held_last(holder).await?;
        let take = sqlx::query(TAKE).bind(holder.job.to_string()).bind(holder.plan.to_string());
        if take.execute(write.connection()).await?.rows_affected() == 0 {
            write.rollback().await?;
            return Err(Error::Stale { job: holder.job });
        }
        write.commit().await
    }

    /// Records the steps of a plan, which goes forward.
    ///
    /// # Errors
    /// [`Error::Stale`] when the plan is not held like this; when its journal is begun already.
    pub async fn begin_journal(&self, holder: PlanHolder, entries: &[JournalEntry]) -> Result<(), Error> {
        let mut write = of_job(self.held_last(holder).await?, holder, JournalPhase::Forward).await?;
        let statements = match write.backend {
            Backend::Sqlite => &*INSERTS_SQLITE,
            Backend::Postgres => &*INSERTS_POSTGRES,
        };
        let (plan, mut step, mut rest) = (holder.plan.to_string(), 0, entries);
        for (size, statement) in CHUNKS.into_iter().zip(statements) {
            while let Some((chunk, after)) = rest.split_at_checked(size) {
                let mut insert = sqlx::query(statement.as_str());
                for entry in chunk {
                    let tag = to_text(&entry.tag).into_owned();
                    insert = insert.bind(plan.as_str()).bind(step).bind(entry.state.as_str()).bind(tag);
                    step += 1;
                }
                insert.execute(write.connection()).await?;
                rest = after;
            }
        }
        write.commit().await
    }

    /// Records changes of steps, in order, and which way the plan goes: all of them or none.
    ///
    /// # Errors
    /// [`Error::Stale`] when the plan is not held like this, or a step is not in the state that its change begins with.
    pub async fn write_journal(
        &self,
        holder: PlanHolder,
        phase: JournalPhase,
        changes: &[JournalChange],
    ) -> Result<(), Error> {
        let mut write = self.held_plan(holder, phase).await?;
        let plan = holder.plan.to_string();
        for JournalChange { step, from, entry } in changes {
            let clean = |text: &Option<String>| text.as_deref().map(|text| to_text(text).into_owned());
            let took = entry.took_ms.map(|took| to_number("took_ms", took)).transpose()?;
            let update = sqlx::query(CHANGE)
                .bind(entry.state.as_str())
                .bind(clean(&entry.handle))
                .bind(clean(&entry.output))
                .bind(clean(&entry.why))
                .bind(clean(&entry.remedy))
                .bind(took)
                .bind(plan.as_str())
                .bind(i64::from(*step))
                .bind(from.as_str());
            if update.execute(write.connection()).await?.rows_affected() == 0 {
                write.rollback().await?;
                return Err(Error::Stale { job: holder.job });
            }
        }
        write.commit().await
    }

    /// A transaction during which no other node takes over the job of the plan.
    async fn held(&self, holder: PlanHolder) -> Result<Write, Error> {
        let mut write = self.write().await?;
        let hold = sqlx::query(HOLD).bind(holder.job.to_string()).bind(to_bound(holder.fence));
        if hold.execute(write.connection()).await?.rows_affected() == 0 {
            write.rollback().await?;
            return Err(Error::Stale { job: holder.job });
        }
        Ok(write)
    }

    /// The same, if the plan is the last one of its range.
    async fn held_last(&self, holder: PlanHolder) -> Result<Write, Error> {
        let mut write = self.held(holder).await?;
        let is_last = sqlx::query(IS_LAST).bind(holder.plan.to_string());
        if is_last.execute(write.connection()).await?.rows_affected() == 0 {
            write.rollback().await?;
            return Err(Error::Stale { job: holder.job });
        }
        Ok(write)
    }

    /// The same, of a plan that the job carries out, with its phase.
    pub(crate) async fn held_plan(&self, holder: PlanHolder, phase: JournalPhase) -> Result<Write, Error> {
        of_job(self.held(holder).await?, holder, phase).await
    }
}

/// Sets the phase of a plan that the job carries out.
async fn of_job(mut write: Write, holder: PlanHolder, phase: JournalPhase) -> Result<Write, Error> {
    let update = sqlx::query(OF_JOB).bind(phase.as_str()).bind(holder.plan.to_string());
    if update.bind(holder.job.to_string()).execute(write.connection()).await?.rows_affected() == 0 {
        write.rollback().await?;
        return Err(Error::Stale { job: holder.job });
    }
    Ok(write)
}

fn read(row: &AnyRow) -> Result<JournalEntry, Error> {
    Ok(JournalEntry {
        state: parsed(row, "state")?,
        tag: text(row, "tag")?,
        handle: text_or_null(row, "handle")?,
        output: text_or_null(row, "output")?,
        why: text_or_null(row, "why")?,
        remedy: text_or_null(row, "remedy")?,
        took_ms: number_or_null(row, "took_ms")?,
    })
}

/// Plan, step, state and tag for each row. `parameter` writes the one of a number.
fn insert_statement(rows: usize, parameter: impl Fn(usize) -> String) -> String {
    let mut statement = "INSERT INTO journal (plan_id, step, state, tag) VALUES ".to_owned();
    for row in 0..rows {
        let separator = if row == 0 { "" } else { ", " };
        let [a, b, c, d] = [1, 2, 3, 4].map(|column| parameter(row * 4 + column));
        // Writing to a `String` does not fail.
        let _ = write!(statement, "{separator}({a}, {b}, {c}, {d})");
    }
    statement
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::plan;

    #[tokio::test]
    async fn journals_are_read_and_written_by_an_index() {
        for statement in [HOLD, OF_JOB, READ, CHANGE, TAKE, IS_LAST] {
            let plan = plan(statement).await;
            assert!(plan.contains("USING") && !plan.contains("SCAN"), "{statement}: {plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{statement}: {plan}");
        }
        assert!(TAKE.contains(&format!("state = '{}'", model::JobState::Queued)));
    }
}
