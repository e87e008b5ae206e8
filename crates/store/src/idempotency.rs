//! Idempotency keys: a repeated request with the same key returns the same job.

use jiff::Timestamp;
use model::JobId;
use sqlx::AnyConnection;

use crate::{
    Error, Inserted,
    columns::{hex, parsed, text},
};

/// The longest key, in bytes.
const MAX_KEY_BYTES: usize = 255;

/// A caller's key for a job, with a hash of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// As the caller gave it: at most 255 bytes. Whose key it is should be part of it where callers differ.
    pub key: String,
    /// A hash of everything that identifies a request.
    pub body_hash: [u8; 32],
}

impl IdempotencyKey {
    /// Assigns the key to a job. `None`: the key was free, and now belongs to this job. Of several concurrent
    /// transactions, the others wait here for the end of the first one.
    pub(crate) async fn claim(
        &self,
        connection: &mut AnyConnection,
        job: JobId,
        now: Timestamp,
    ) -> Result<Option<Inserted>, Error> {
        if self.key.len() > MAX_KEY_BYTES || self.key.contains('\0') {
            let source = format!("a key is at most {MAX_KEY_BYTES} bytes, without NUL").into();
            return Err(Error::Unstorable { column: "key", source });
        }
        let body_hash = hex(&self.body_hash);
        loop {
            let insert = sqlx::query(
                "INSERT INTO idempotency (key, body_hash, job_id, created_at) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (key) DO NOTHING",
            );
            let insert = insert
                .bind(self.key.as_str())
                .bind(body_hash.as_str())
                .bind(job.to_string())
                .bind(now.as_millisecond());
            if insert.execute(&mut *connection).await?.rows_affected() > 0 {
                return Ok(None);
            }
            let select = sqlx::query("SELECT body_hash, job_id FROM idempotency WHERE key = $1");
            let row = select.bind(self.key.as_str()).fetch_optional(&mut *connection).await?;
            // No row: the job that had the key was deleted between the two statements, so the key is free.
            let Some(row) = row else { continue };
            let holder = parsed(&row, "job_id")?;
            let is_same = text(&row, "body_hash")? == body_hash;
            return Ok(Some(if is_same { Inserted::Same(holder) } else { Inserted::Conflict(holder) }));
        }
    }
}
