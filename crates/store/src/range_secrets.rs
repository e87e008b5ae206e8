//! Encrypted secrets of ranges: stored in the transaction that stores a plan, deleted with their range.

use model::{Encrypted, RangeId};
use sqlx::AnyConnection;

use crate::{Error, Store, columns::text};

const PUT: &str = "INSERT INTO range_secrets (range_id, secrets) VALUES ($1, $2) \
     ON CONFLICT (range_id) DO UPDATE SET secrets = $2";

const OF_RANGE: &str = "SELECT secrets FROM range_secrets WHERE range_id = $1";

impl Store {
    /// The encrypted secrets of a range; `None` if it has none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn range_secrets(&self, range: RangeId) -> Result<Option<Encrypted>, Error> {
        let row = sqlx::query(OF_RANGE).bind(range.to_string()).fetch_optional(&self.pool).await?;
        row.map(|row| text(&row, "secrets").map(Encrypted)).transpose()
    }
}

/// Stores the secrets of a range in place of those that it has.
pub(crate) async fn put(
    connection: &mut AnyConnection,
    range: RangeId,
    encrypted: &Encrypted,
) -> Result<(), Error> {
    sqlx::query(PUT).bind(range.to_string()).bind(encrypted.0.clone()).execute(connection).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::plan;

    #[tokio::test]
    async fn secrets_of_a_range_are_found_by_an_index() {
        let plan = plan(OF_RANGE).await;
        assert!(plan.contains("USING"), "{plan}");
    }
}
