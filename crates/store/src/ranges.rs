//! Ranges and their plans.
//!
//! A plan, the change of its range and the leases that it needs are stored in one transaction, in which no other one takes leases on the
//! platform. A range has one plan at a time: another one is stored only once the last one has ended, or if it was never begun.

use jiff::Timestamp;
use model::{
    EncryptedSecrets, JobId, JournalPhase, LeaseKey, PlanId, RangeId, RangeLease, RangeState, StoredPlan,
    StoredRange,
};
use sqlx::{AnyConnection, any::AnyRow};

use crate::{
    Error, Store,
    columns::{number, parsed, text, time, time_or_null},
    journal::PlanHolder,
    range_leases::{self, HeldLease},
    range_secrets,
    states::active,
};

macro_rules! range_columns {
    () => {
        "id, name, platform, state, version, plan_id, created_at, updated_at, expires_at, document, recorded"
    };
}

const BY_ID: &str = concat!("SELECT ", range_columns!(), " FROM ranges WHERE id = $1");
const BY_NAME: &str = concat!("SELECT ", range_columns!(), " FROM ranges WHERE name = $1");
const LIST: &str = concat!(
    "SELECT ",
    range_columns!(),
    " FROM ranges WHERE (created_at, id) > ($1, $2) ORDER BY created_at, id LIMIT $3"
);
const EXPIRED: &str = concat!(
    "SELECT ",
    range_columns!(),
    " FROM ranges WHERE expires_at IS NOT NULL AND expires_at <= $1 ORDER BY expires_at, id LIMIT $2"
);

const INSERT: &str = concat!(
    "INSERT INTO ranges (",
    range_columns!(),
    ") VALUES ($1, $2, $3, $4, 1, $5, $6, $6, $7, $8, $9) ON CONFLICT DO NOTHING"
);

const CHANGE: &str = "UPDATE ranges SET state = $1, version = version + 1, plan_id = $2, updated_at = $3, expires_at = $4, \
     document = $5, recorded = $6 WHERE id = $7";

const INSERT_PLAN: &str =
    "INSERT INTO plans (id, range_id, job_id, phase, created_at, plan) VALUES ($1, $2, $3, $4, $5, $6)";

const PLAN: &str = "SELECT id, range_id, job_id, phase, created_at, plan FROM plans WHERE id = $1";

/// Waits for those who begin to carry out the last plan of the range.
const LOCK: &str = "UPDATE ranges SET version = version WHERE id = $1";

/// The job of the last plan of a range, unless it has ended and what it did is recorded. A job that is not stored has not been submitted yet,
/// or never will be: once it begins, its plan is not the last one any more.
const BUSY: &str = concat!(
    "SELECT plans.job_id AS job FROM ranges JOIN plans ON plans.id = ranges.plan_id WHERE ranges.id = $1 AND (\
     EXISTS (SELECT 1 FROM jobs WHERE jobs.id = plans.job_id AND (jobs.state = 'queued' OR jobs.",
    active!(),
    ")) OR (plans.phase <> 'ended' AND EXISTS (SELECT 1 FROM journal WHERE journal.plan_id = plans.id)))"
);

const SETTLE: &str = "UPDATE ranges SET state = $1, version = version + 1, recorded = $2, updated_at = $3 \
     WHERE id = (SELECT range_id FROM plans WHERE plans.id = $4) AND plan_id = $4 RETURNING id";

/// Hands the last plan of a range, which has ended, to a new job.
const TAKE_UP: &str = concat!(
    "UPDATE plans SET job_id = $1 WHERE id = $2 AND phase = 'ended' AND NOT EXISTS \
     (SELECT 1 FROM jobs WHERE jobs.id = plans.job_id AND (jobs.state = 'queued' OR jobs.",
    active!(),
    "))"
);

const CHANGING: &str =
    "UPDATE ranges SET state = $1, version = version + 1, updated_at = $2 WHERE id = $3 AND plan_id = $4";

/// A plan that is to be stored, with the range as it is meant to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanDraft {
    /// The plan.
    pub id: PlanId,
    /// The job that is going to carry it out; to be submitted once the plan is stored.
    pub job: JobId,
    /// The plan, as JSON.
    pub plan: String,
    /// The name of the range; kept if it is stored already.
    pub name: String,
    /// The document, as JSON.
    pub document: String,
    /// What exists of the range, as JSON: what the plan was made from.
    pub recorded: String,
    /// When the range is to be destroyed.
    pub expires_at: Option<Timestamp>,
    /// Encrypted secrets of the range, which replace those that it has; `None` keeps them.
    pub secrets: Option<EncryptedSecrets>,
    /// All leases that the range needs. Those that it has and does not need any more stay until the plan has ended.
    pub leases: Vec<RangeLease>,
}

/// What a plan is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanInputs {
    /// The range, if it is stored.
    pub range: Option<StoredRange>,
    /// All leases on the platform, those of the range included.
    pub leases: Vec<HeldLease>,
}

/// What became of a plan that was to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Planned {
    /// It is stored, and the leases are held.
    Stored,
    /// Not stored: another range has the name.
    NameTaken,
    /// Not stored: this job carries out a plan of the range, or broke off.
    Busy(JobId),
    /// Not stored: this lease is in the way.
    Taken(HeldLease),
}

/// How a plan ended for its range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement<'a> {
    /// What the range is like.
    pub state: RangeState,
    /// What exists of it, as JSON.
    pub recorded: &'a str,
    /// Leases of things that the platform proved not to exist.
    pub released: &'a [LeaseKey],
    /// When.
    pub now: Timestamp,
}

impl Store {
    /// Stores a plan of a range on a platform, the range, and its leases: all of them or nothing. `make` makes the plan from what is
    /// stored, while no other plan of the platform is made.
    ///
    /// # Errors
    /// When the database fails. The inner error is that of `make`.
    pub async fn store_plan<E>(
        &self,
        range: RangeId,
        platform: &str,
        now: Timestamp,
        make: impl FnOnce(&PlanInputs) -> Result<PlanDraft, E>,
    ) -> Result<Result<Planned, E>, Error> {
        let mut write = self.write().await?;
        let leases = range_leases::turn(write.connection(), platform).await?;
        sqlx::query(LOCK).bind(range.to_string()).execute(write.connection()).await?;
        let stored = find(write.connection(), BY_ID, range.to_string()).await?;
        if let Some(row) =
            sqlx::query(BUSY).bind(range.to_string()).fetch_optional(write.connection()).await?
        {
            let job = parsed(&row, "job")?;
            write.rollback().await?;
            return Ok(Ok(Planned::Busy(job)));
        }
        let inputs = PlanInputs { range: stored, leases };
        let draft = match make(&inputs) {
            Ok(draft) => draft,
            Err(error) => {
                write.rollback().await?;
                return Ok(Err(error));
            }
        };
        let is_new = inputs.range.is_none();
        if !put(write.connection(), range, platform, is_new, now, &draft).await? {
            write.rollback().await?;
            return Ok(Ok(Planned::NameTaken));
        }
        if let Some(encrypted) = &draft.secrets {
            range_secrets::put(write.connection(), range, encrypted).await?;
        }
        if let Some(held) = range_leases::take(write.connection(), platform, range, &draft.leases).await? {
            write.rollback().await?;
            return Ok(Ok(Planned::Taken(held)));
        }
        write.commit().await?;
        Ok(Ok(Planned::Stored))
    }

    /// Lets a new job continue the last plan of a range after it has ended. False if it has not ended, or a job carries it out.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn take_up_plan(
        &self,
        range: RangeId,
        plan: PlanId,
        job: JobId,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let mut write = self.write().await?;
        let changing = sqlx::query(CHANGING)
            .bind(RangeState::Changing.as_str())
            .bind(now.as_millisecond())
            .bind(range.to_string())
            .bind(plan.to_string());
        let take = sqlx::query(TAKE_UP).bind(job.to_string()).bind(plan.to_string());
        for statement in [changing, take] {
            if statement.execute(write.connection()).await?.rows_affected() == 0 {
                write.rollback().await?;
                return Ok(false);
            }
        }
        write.commit().await?;
        Ok(true)
    }

    /// A range by its id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn range(&self, id: RangeId) -> Result<Option<StoredRange>, Error> {
        let row = sqlx::query(BY_ID).bind(id.to_string()).fetch_optional(&self.pool).await?;
        row.as_ref().map(read).transpose()
    }

    /// A range by its name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn range_named(&self, name: &str) -> Result<Option<StoredRange>, Error> {
        let row = sqlx::query(BY_NAME).bind(name.to_owned()).fetch_optional(&self.pool).await?;
        row.as_ref().map(read).transpose()
    }

    /// Ranges in the order of their creation, after one of them: at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn ranges(
        &self,
        after: Option<(Timestamp, RangeId)>,
        limit: u32,
    ) -> Result<Vec<StoredRange>, Error> {
        let (time, id) =
            after.map_or((i64::MIN, String::new()), |(time, id)| (time.as_millisecond(), id.to_string()));
        let select = sqlx::query(LIST).bind(time).bind(id).bind(i64::from(limit));
        select.fetch_all(&self.pool).await?.iter().map(read).collect()
    }

    /// Ranges whose time is over, the longest over first: at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn expired_ranges(&self, now: Timestamp, limit: u32) -> Result<Vec<StoredRange>, Error> {
        let select = sqlx::query(EXPIRED).bind(now.as_millisecond()).bind(i64::from(limit));
        select.fetch_all(&self.pool).await?.iter().map(read).collect()
    }

    /// A plan by its id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn plan(&self, id: PlanId) -> Result<Option<StoredPlan>, Error> {
        let row = sqlx::query(PLAN).bind(id.to_string()).fetch_optional(&self.pool).await?;
        row.as_ref().map(read_plan).transpose()
    }

    /// Records how a plan ended for its range, and returns leases to their pools, in one transaction. Returns their number.
    ///
    /// # Errors
    /// [`Error::Stale`] when the plan is not held like this, or the range has another plan.
    pub async fn settle_plan(&self, holder: PlanHolder, settled: &Settlement<'_>) -> Result<u64, Error> {
        let mut write = self.held_plan(holder, JournalPhase::Ended).await?;
        let update = sqlx::query(SETTLE)
            .bind(settled.state.as_str())
            .bind(settled.recorded.to_owned())
            .bind(settled.now.as_millisecond())
            .bind(holder.plan.to_string());
        let Some(row) = update.fetch_optional(write.connection()).await? else {
            write.rollback().await?;
            return Err(Error::Stale { job: holder.job });
        };
        let range = parsed(&row, "id")?;
        let released = range_leases::release(write.connection(), range, settled.released).await?;
        write.commit().await?;
        Ok(released)
    }
}

/// Stores a range and its plan. `false`: the name is taken.
async fn put(
    connection: &mut AnyConnection,
    range: RangeId,
    platform: &str,
    is_new: bool,
    now: Timestamp,
    draft: &PlanDraft,
) -> Result<bool, Error> {
    let expires_at = draft.expires_at.map(|time| time.as_millisecond());
    let put = if is_new {
        sqlx::query(INSERT)
            .bind(range.to_string())
            .bind(draft.name.clone())
            .bind(platform.to_owned())
            .bind(RangeState::Changing.as_str())
            .bind(draft.id.to_string())
            .bind(now.as_millisecond())
            .bind(expires_at)
            .bind(draft.document.clone())
            .bind(draft.recorded.clone())
    } else {
        sqlx::query(CHANGE)
            .bind(RangeState::Changing.as_str())
            .bind(draft.id.to_string())
            .bind(now.as_millisecond())
            .bind(expires_at)
            .bind(draft.document.clone())
            .bind(draft.recorded.clone())
            .bind(range.to_string())
    };
    if put.execute(&mut *connection).await?.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query(INSERT_PLAN)
        .bind(draft.id.to_string())
        .bind(range.to_string())
        .bind(draft.job.to_string())
        .bind(JournalPhase::Forward.as_str())
        .bind(now.as_millisecond())
        .bind(draft.plan.clone())
        .execute(connection)
        .await?;
    Ok(true)
}

async fn find(
    connection: &mut AnyConnection,
    statement: &'static str,
    key: String,
) -> Result<Option<StoredRange>, Error> {
    let row = sqlx::query(statement).bind(key).fetch_optional(connection).await?;
    row.as_ref().map(read).transpose()
}

pub(crate) fn read(row: &AnyRow) -> Result<StoredRange, Error> {
    Ok(StoredRange {
        id: parsed(row, "id")?,
        name: text(row, "name")?,
        platform: text(row, "platform")?,
        state: parsed(row, "state")?,
        version: number(row, "version")?,
        document: text(row, "document")?,
        recorded: text(row, "recorded")?,
        plan: parsed(row, "plan_id")?,
        created_at: time(row, "created_at")?,
        updated_at: time(row, "updated_at")?,
        expires_at: time_or_null(row, "expires_at")?,
    })
}

fn read_plan(row: &AnyRow) -> Result<StoredPlan, Error> {
    Ok(StoredPlan {
        id: parsed(row, "id")?,
        range: parsed(row, "range_id")?,
        job: parsed(row, "job_id")?,
        phase: parsed(row, "phase")?,
        created_at: time(row, "created_at")?,
        plan: text(row, "plan")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::plan;

    #[tokio::test]
    async fn ranges_and_plans_are_found_by_an_index_in_order() {
        for statement in [BY_ID, BY_NAME, LIST, EXPIRED, PLAN, BUSY, SETTLE, TAKE_UP, CHANGING] {
            let plan = plan(statement).await;
            assert!(!plan.contains("SCAN jobs") && !plan.contains("TEMP B-TREE"), "{statement}: {plan}");
            assert!(plan.contains("USING"), "{statement}: {plan}");
        }
        assert!(BUSY.contains(&format!("state = '{}'", model::JobState::Queued)));
        assert!(BUSY.contains(&format!("phase <> '{}'", JournalPhase::Ended)));
    }
}
