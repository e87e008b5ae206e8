//! Encrypted secrets of jobs: which keys encrypt them, and re-encryption with another key.
//!
//! The ciphertext is opaque here, except for the name of its key, which is between the first two dots.

use std::collections::BTreeMap;

use model::{JobId, Sealed};

use crate::{
    Error, Store,
    columns::{number, parsed, text},
};

/// `v1.` comes before the name of the key, and eight digits are its length.
const COUNT: &str = "SELECT SUBSTR(secrets, 4, 8) AS key, COUNT(*) AS jobs FROM jobs WHERE secrets IS NOT NULL \
     GROUP BY SUBSTR(secrets, 4, 8)";

const OTHERS: &str = "SELECT id, secrets FROM jobs WHERE secrets IS NOT NULL AND SUBSTR(secrets, 4, 8) <> $1 \
     AND id > $2 ORDER BY id LIMIT $3";

/// Only if it has not changed since it was read: the job may have ended meanwhile.
const RESEAL: &str = "UPDATE jobs SET secrets = $1 WHERE id = $2 AND secrets = $3";

impl Store {
    /// How many jobs have secrets under each key.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sealed_by_key(&self) -> Result<BTreeMap<String, u64>, Error> {
        let rows = sqlx::query(COUNT).fetch_all(&self.pool).await?;
        rows.iter().map(|row| Ok((text(row, "key")?, number(row, "jobs")?))).collect()
    }

    /// Secrets that are not under this key, in the order of their jobs, after a job: at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sealed_otherwise(
        &self,
        key: &str,
        after: Option<JobId>,
        limit: u32,
    ) -> Result<Vec<(JobId, Sealed)>, Error> {
        let after = after.map_or_else(String::new, |job| job.to_string());
        let select = sqlx::query(OTHERS).bind(key.to_owned()).bind(after).bind(i64::from(limit));
        let rows = select.fetch_all(&self.pool).await?;
        rows.iter().map(|row| Ok((parsed(row, "id")?, Sealed(text(row, "secrets")?)))).collect()
    }

    /// Replaces the encrypted secrets that were read. False if they were deleted or changed meanwhile.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reseal(&self, job: JobId, old: &Sealed, new: &Sealed) -> Result<bool, Error> {
        let mut write = self.write().await?;
        let update = sqlx::query(RESEAL).bind(new.0.clone()).bind(job.to_string()).bind(old.0.clone());
        let changed = update.execute(write.connection()).await?.rows_affected();
        write.commit().await?;
        Ok(changed > 0)
    }
}
