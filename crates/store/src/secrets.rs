//! Encrypted secrets of jobs and ranges: which keys encrypt them, and re-encryption with another key.
//!
//! The ciphertext is opaque here, except for the name of its key, which is between the first two dots.

use std::collections::BTreeMap;

use model::{EncryptedSecrets, JobId, RangeId, SecretOwner};
use sqlx::any::AnyRow;

use crate::{
    Error, Store,
    columns::{number, parsed, text},
};

/// `v1.` comes before the name of the key, and eight digits are its length.
const COUNT_JOBS: &str = "SELECT SUBSTR(secrets, 4, 8) AS key, COUNT(*) AS encrypted FROM jobs WHERE secrets IS NOT NULL \
     GROUP BY SUBSTR(secrets, 4, 8)";

const COUNT_RANGES: &str = "SELECT SUBSTR(secrets, 4, 8) AS key, COUNT(*) AS encrypted FROM range_secrets \
     GROUP BY SUBSTR(secrets, 4, 8)";

const OTHER_JOBS: &str = "SELECT id, secrets FROM jobs WHERE secrets IS NOT NULL AND SUBSTR(secrets, 4, 8) <> $1 \
     AND id > $2 ORDER BY id LIMIT $3";

const OTHER_RANGES: &str = "SELECT range_id AS id, secrets FROM range_secrets WHERE SUBSTR(secrets, 4, 8) <> $1 \
     AND range_id > $2 ORDER BY range_id LIMIT $3";

/// Only if it has not changed since it was read: the job may have ended meanwhile.
const RESEAL_JOB: &str = "UPDATE jobs SET secrets = $1 WHERE id = $2 AND secrets = $3";

const RESEAL_RANGE: &str = "UPDATE range_secrets SET secrets = $1 WHERE range_id = $2 AND secrets = $3";

/// What one key encrypts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SealedCount {
    /// Number of jobs.
    pub jobs: u64,
    /// Number of ranges.
    pub ranges: u64,
}

impl Store {
    /// How many jobs and ranges have secrets under each key.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn encrypted_by_key(&self) -> Result<BTreeMap<String, SealedCount>, Error> {
        let mut counts: BTreeMap<String, SealedCount> = BTreeMap::new();
        for (key, jobs) in self.count_encrypted(COUNT_JOBS).await? {
            counts.entry(key).or_default().jobs = jobs;
        }
        for (key, ranges) in self.count_encrypted(COUNT_RANGES).await? {
            counts.entry(key).or_default().ranges = ranges;
        }
        Ok(counts)
    }

    /// Secrets that are not under this key: those of jobs, then those of ranges, in order, after one of them: at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn encrypted_with_other_keys(
        &self,
        key: &str,
        after: Option<SecretOwner>,
        limit: u32,
    ) -> Result<Vec<(SecretOwner, EncryptedSecrets)>, Error> {
        let (after_job, after_range) = match after {
            None => (Some(String::new()), String::new()),
            Some(SecretOwner::Job(job)) => (Some(job.to_string()), String::new()),
            Some(SecretOwner::Range(range)) => (None, range.to_string()),
        };
        if let Some(after) = after_job {
            let jobs = self.encrypted_page(OTHER_JOBS, key, after, limit).await?;
            if !jobs.is_empty() {
                return jobs.iter().map(read::<JobId>).collect();
            }
        }
        let ranges = self.encrypted_page(OTHER_RANGES, key, after_range, limit).await?;
        ranges.iter().map(read::<RangeId>).collect()
    }

    /// Replaces the encrypted secrets that were read. False if they were deleted or changed meanwhile.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reseal(
        &self,
        owner: SecretOwner,
        old: &EncryptedSecrets,
        new: &EncryptedSecrets,
    ) -> Result<bool, Error> {
        let (statement, id) = match owner {
            SecretOwner::Job(job) => (RESEAL_JOB, job.to_string()),
            SecretOwner::Range(range) => (RESEAL_RANGE, range.to_string()),
        };
        let mut write = self.write().await?;
        let update = sqlx::query(statement).bind(new.0.clone()).bind(id).bind(old.0.clone());
        let changed = update.execute(write.connection()).await?.rows_affected();
        write.commit().await?;
        Ok(changed > 0)
    }

    async fn count_encrypted(&self, statement: &'static str) -> Result<Vec<(String, u64)>, Error> {
        let rows = sqlx::query(statement).fetch_all(&self.pool).await?;
        rows.iter().map(|row| Ok((text(row, "key")?, number(row, "encrypted")?))).collect()
    }

    async fn encrypted_page(
        &self,
        statement: &'static str,
        key: &str,
        after: String,
        limit: u32,
    ) -> Result<Vec<AnyRow>, Error> {
        let select = sqlx::query(statement).bind(key.to_owned()).bind(after).bind(i64::from(limit));
        Ok(select.fetch_all(&self.pool).await?)
    }
}

fn read<Id: std::str::FromStr + Into<SecretOwner>>(
    row: &AnyRow,
) -> Result<(SecretOwner, EncryptedSecrets), Error>
where
    Id::Err: std::error::Error + Send + Sync + 'static,
{
    Ok((parsed::<Id>(row, "id")?.into(), EncryptedSecrets(text(row, "secrets")?)))
}
