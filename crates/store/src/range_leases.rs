//! Leases of ranges: taken in the transaction that stores a plan, and returned once what had them no longer exists.
//!
//! Constraints prevent two ranges from holding the same thing. Transactions that take leases on a platform are serialized, so
//! each sees what the others took, and none fails because another one was faster.

use model::{LeaseKey, RangeId, RangeLease};
use sqlx::{AnyConnection, any::AnyRow};

use crate::{
    Error, Store,
    columns::{parsed, text, text_or_null},
};

const TURN: &str = "INSERT INTO lease_turns (platform, turns) VALUES ($1, 1) \
     ON CONFLICT (platform) DO UPDATE SET turns = lease_turns.turns + 1";

/// Nothing is stored if the same thing is taken, by whichever range.
const TAKE: &str = "INSERT INTO range_leases (platform, kind, pool, value, range_id, name, first, last) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING";

/// The leases of one pool whose spans overlap another one.
const OVERLAPS: &str = "SELECT range_id, kind, pool, value, name, first, last FROM range_leases WHERE platform = $1 AND kind = $2 \
     AND pool = $3 AND first <= $4 AND last >= $5 AND value <> $6 ORDER BY first LIMIT 1";

const OF_PLATFORM: &str = "SELECT range_id, kind, pool, value, name, first, last FROM range_leases WHERE platform = $1 \
     ORDER BY kind, pool, value";

const OF_RANGE: &str = "SELECT range_id, kind, pool, value, name, first, last FROM range_leases WHERE range_id = $1 \
     ORDER BY kind, pool, value";

const SAME: &str = "SELECT range_id, kind, pool, value, name, first, last FROM range_leases WHERE platform = $1 AND kind = $2 \
     AND pool = $3 AND value = $4";

const RELEASE: &str =
    "DELETE FROM range_leases WHERE range_id = $1 AND kind = $2 AND pool = $3 AND value = $4";

/// A lease with the range that holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldLease {
    /// The range.
    pub range: RangeId,
    /// What it holds.
    pub lease: RangeLease,
}

impl Store {
    /// All leases on a platform, in order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn leases_on(&self, platform: &str) -> Result<Vec<HeldLease>, Error> {
        let select = sqlx::query(OF_PLATFORM).bind(platform.to_owned());
        select.fetch_all(&self.pool).await?.iter().map(read).collect()
    }

    /// All leases of a range, in order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn leases_of(&self, range: RangeId) -> Result<Vec<RangeLease>, Error> {
        let rows = sqlx::query(OF_RANGE).bind(range.to_string()).fetch_all(&self.pool).await?;
        rows.iter().map(|row| read(row).map(|held| held.lease)).collect()
    }

    /// Returns leases of a range to their pools, because what they were for no longer exists. Returns how many the range held:
    /// each lease is returned once, and one that another range has taken since is kept.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn release_leases(&self, range: RangeId, keys: &[LeaseKey]) -> Result<u64, Error> {
        let mut write = self.write().await?;
        let released = release(write.connection(), range, keys).await?;
        write.commit().await?;
        Ok(released)
    }
}

/// Waits for other transactions that take leases on the platform, and returns all leases there.
pub(crate) async fn turn(connection: &mut AnyConnection, platform: &str) -> Result<Vec<HeldLease>, Error> {
    sqlx::query(TURN).bind(platform.to_owned()).execute(&mut *connection).await?;
    let select = sqlx::query(OF_PLATFORM).bind(platform.to_owned());
    select.fetch_all(connection).await?.iter().map(read).collect()
}

/// Takes leases besides those that the range holds; returns the lease that is in the way, if there is one.
pub(crate) async fn take(
    connection: &mut AnyConnection,
    platform: &str,
    range: RangeId,
    leases: &[RangeLease],
) -> Result<Option<HeldLease>, Error> {
    for RangeLease { key, name, span } in leases {
        let of_pool = |statement: &'static str| {
            sqlx::query(statement).bind(platform.to_owned()).bind(key.kind.as_str()).bind(key.pool.clone())
        };
        let span = span.map(|(first, last)| (format!("{first:032x}"), format!("{last:032x}")));
        if let Some((first, last)) = &span {
            let overlaps = of_pool(OVERLAPS).bind(last.clone()).bind(first.clone()).bind(key.value.clone());
            if let Some(row) = overlaps.fetch_optional(&mut *connection).await? {
                return read(&row).map(Some);
            }
        }
        let (first, last) = span.unzip();
        let take = of_pool(TAKE).bind(key.value.clone()).bind(range.to_string()).bind(name.clone());
        if take.bind(first).bind(last).execute(&mut *connection).await?.rows_affected() > 0 {
            continue;
        }
        let same = of_pool(SAME).bind(key.value.clone()).fetch_one(&mut *connection).await?;
        let holder = read(&same)?;
        if holder.range != range {
            return Ok(Some(holder));
        }
    }
    Ok(None)
}

pub(crate) async fn release(
    connection: &mut AnyConnection,
    range: RangeId,
    keys: &[LeaseKey],
) -> Result<u64, Error> {
    let mut released = 0;
    for LeaseKey { kind, pool, value } in keys {
        let delete = sqlx::query(RELEASE).bind(range.to_string()).bind(kind.as_str());
        let delete = delete.bind(pool.clone()).bind(value.clone());
        released += delete.execute(&mut *connection).await?.rows_affected();
    }
    Ok(released)
}

fn read(row: &AnyRow) -> Result<HeldLease, Error> {
    let number = |column: &'static str| -> Result<Option<u128>, Error> {
        text_or_null(row, column)?
            .map(|text| u128::from_str_radix(&text, 16))
            .transpose()
            .map_err(|e| Error::Unreadable { column, source: e.into() })
    };
    let key = LeaseKey { kind: parsed(row, "kind")?, pool: text(row, "pool")?, value: text(row, "value")? };
    let span = number("first")?.zip(number("last")?);
    Ok(HeldLease {
        range: parsed(row, "range_id")?,
        lease: RangeLease { key, name: text(row, "name")?, span },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::plan;

    #[tokio::test]
    async fn leases_are_found_by_an_index_in_order() {
        for statement in [OF_PLATFORM, OF_RANGE, OVERLAPS, SAME, RELEASE] {
            let plan = plan(statement).await;
            assert!(plan.contains("USING") && !plan.contains("TEMP B-TREE"), "{statement}: {plan}");
        }
    }
}
