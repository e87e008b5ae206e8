//! The audit: records that are only ever added, each with a hash that covers the one before it.
//!
//! One row, `audit_head`, holds the number and the hash of the last record. Who adds records changes that row first
//! and holds it until the commit, so that of all processes only one at a time extends the chain, and an entry
//! that is cut off at the end is detected. No statement here changes an entry; `retention.rs` deletes the oldest ones
//! according to the settings.

mod retention;

use std::ops::ControlFlow;

use model::{AuditDraft, AuditRecord, JobId};
use sha2::{Digest, Sha256};
use sqlx::any::AnyRow;

use crate::{
    Error, Store, Write,
    columns::{
        hex, number, number_or_null, parsed, parsed_or_null, text, text_or_null, time, to_bound, to_number,
        to_text,
    },
    select::Select,
};

const INSERT: &str = "INSERT INTO audit (seq, time, kind, caller, role, via, peer, forwarded, request_id, method, \
     route, job_id, status, intent, hash) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";

pub use retention::AuditRetention;

/// How many records are read at once.
const PAGE: u32 = 1000;

/// The last record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditHead {
    /// Its number; 0 when there is none yet.
    pub seq: u64,
    /// Its hash.
    pub hash: String,
}

/// Which records are wanted.
#[derive(Debug, Clone, Default)]
pub struct AuditQuery {
    /// Only those with higher numbers.
    pub after: u64,
    /// The maximum number of entries.
    pub limit: u32,
    /// Only those of this caller.
    pub caller: Option<String>,
    /// Only those about this job.
    pub job: Option<JobId>,
}

/// Result of the verification of the whole chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chain {
    /// Every record is as it was written, up to this one.
    Intact(AuditHead),
    /// This record is not as it was written, or is not there; all before it are intact.
    Broken {
        /// Its number.
        at: u64,
        /// What is wrong.
        why: &'static str,
    },
}

impl Store {
    /// Adds entries, all or none, and returns the number of the first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn append_audit(&self, drafts: &[AuditDraft]) -> Result<u64, Error> {
        let mut write = self.write().await?;
        let count = to_number("seq", drafts.len() as u64)?;
        let hold = sqlx::query("UPDATE audit_head SET seq = seq + $1 RETURNING seq, hash").bind(count);
        let row = hold.fetch_one(write.connection()).await?;
        let first = number::<u64>(&row, "seq")? + 1 - drafts.len() as u64;
        let mut hash = text(&row, "hash")?;
        for (seq, draft) in (first..).zip(drafts) {
            let draft = storable(draft);
            hash = next_hash(&hash, &draft, seq);
            insert(&mut write, seq, &draft, &hash).await?;
        }
        sqlx::query("UPDATE audit_head SET hash = $1").bind(hash).execute(write.connection()).await?;
        write.commit().await?;
        Ok(first)
    }

    /// Records in their order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditRecord>, Error> {
        let mut select = Select::new("SELECT * FROM audit WHERE seq > ");
        select.value(to_bound(query.after))?;
        if let Some(caller) = &query.caller {
            select.text(" AND caller = ").value(caller.clone())?;
        }
        if let Some(job) = query.job {
            select.text(" AND job_id = ").value(job.to_string())?;
        }
        select.text(" ORDER BY seq LIMIT ").value(i64::from(query.limit))?;
        select.fetch_all(&self.pool).await?.iter().map(read).collect()
    }

    /// The last entry, for the writer of the next one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn audit_head(&self) -> Result<AuditHead, Error> {
        let row = sqlx::query("SELECT seq, hash FROM audit_head").fetch_one(&self.pool).await?;
        Ok(AuditHead { seq: number(&row, "seq")?, hash: text(&row, "hash")? })
    }

    /// Follows the chain from its beginning, or from the point that [`Store::prune_audit`] left. `known` is an entry that
    /// was noted elsewhere: a chain that was rewritten from an earlier point does not contain it.
    ///
    /// # Errors
    /// When the database fails. A record that cannot be read is a broken chain.
    pub async fn verify_audit(&self, known: Option<&AuditHead>) -> Result<Chain, Error> {
        loop {
            let base = self.audit_base().await?;
            let chain = self.verify_from(&base, known).await?;
            // Entries may have been deleted while they were read.
            if matches!(chain, Chain::Intact(_)) || self.audit_base().await? == base {
                return Ok(chain);
            }
        }
    }

    async fn verify_from(&self, base: &AuditHead, known: Option<&AuditHead>) -> Result<Chain, Error> {
        // Read first: records that are added meanwhile are after it.
        let head = self.audit_head().await?;
        if let Some(broken) = self.before_base(base, known).await? {
            return Ok(broken);
        }
        let last = match self.walk(base.clone(), head.seq, known).await? {
            ControlFlow::Continue(last) => last,
            ControlFlow::Break(broken) => return Ok(broken),
        };
        if last.hash != head.hash {
            return Ok(Chain::Broken { at: head.seq, why: "the last record is another one" });
        }
        Ok(match known {
            Some(known) if known.seq > last.seq => {
                Chain::Broken { at: last.seq + 1, why: "the record is not there" }
            }
            _ => Chain::Intact(last),
        })
    }

    /// Follows the chain from one entry to another; returns the latter, or where the chain is broken.
    async fn walk(
        &self,
        mut last: AuditHead,
        to: u64,
        known: Option<&AuditHead>,
    ) -> Result<ControlFlow<Chain, AuditHead>, Error> {
        while last.seq < to {
            let select = sqlx::query("SELECT * FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2");
            let rows = select.bind(to_bound(last.seq)).bind(i64::from(PAGE)).fetch_all(&self.pool).await?;
            if rows.is_empty() {
                let why = "the record is not there";
                return Ok(ControlFlow::Break(Chain::Broken { at: last.seq + 1, why }));
            }
            for row in rows.iter().take(usize::try_from(to - last.seq).unwrap_or(usize::MAX)) {
                if let ControlFlow::Break(broken) = follow(&mut last, row, known) {
                    return Ok(ControlFlow::Break(broken));
                }
            }
        }
        Ok(ControlFlow::Continue(last))
    }
}

fn follow(last: &mut AuditHead, row: &AnyRow, known: Option<&AuditHead>) -> ControlFlow<Chain> {
    let at = last.seq + 1;
    let broken = |why| ControlFlow::Break(Chain::Broken { at, why });
    let Ok(record) = read(row) else { return broken("the record cannot be read") };
    if record.seq != at {
        return broken("the record is not there");
    }
    if record.hash != next_hash(&last.hash, &record.draft, at) {
        return broken("the record is not as it was written");
    }
    if known.is_some_and(|known| known.seq == at && known.hash != record.hash) {
        return broken("the record is not the one that was noted");
    }
    *last = AuditHead { seq: at, hash: record.hash };
    ControlFlow::Continue(())
}

fn next_hash(before: &str, draft: &AuditDraft, seq: u64) -> String {
    let mut hasher = Sha256::new();
    hasher.update(before);
    hasher.update("\n");
    hasher.update(draft.text(seq));
    hex(&hasher.finalize())
}

/// As it will be read again: a NUL cannot be stored.
fn storable(draft: &AuditDraft) -> AuditDraft {
    let text = |text: &String| to_text(text).into_owned();
    AuditDraft {
        caller: text(&draft.caller),
        via: text(&draft.via),
        peer: draft.peer.as_ref().map(text),
        forwarded: draft.forwarded.as_ref().map(text),
        method: text(&draft.method),
        route: text(&draft.route),
        ..draft.clone()
    }
}

async fn insert(write: &mut Write, seq: u64, draft: &AuditDraft, hash: &str) -> Result<(), Error> {
    sqlx::query(INSERT)
        .bind(to_number("seq", seq)?)
        .bind(draft.time.as_millisecond())
        .bind(draft.kind.as_str())
        .bind(draft.caller.clone())
        .bind(draft.role.clone())
        .bind(draft.via.clone())
        .bind(draft.peer.clone())
        .bind(draft.forwarded.clone())
        .bind(draft.request.clone())
        .bind(draft.method.clone())
        .bind(draft.route.clone())
        .bind(draft.job.map(|job| job.to_string()))
        .bind(draft.status.map(i64::from))
        .bind(draft.intent.map(to_bound))
        .bind(hash.to_owned())
        .execute(write.connection())
        .await?;
    Ok(())
}

fn read(row: &AnyRow) -> Result<AuditRecord, Error> {
    let draft = AuditDraft {
        time: time(row, "time")?,
        kind: parsed(row, "kind")?,
        caller: text(row, "caller")?,
        role: text(row, "role")?,
        via: text(row, "via")?,
        peer: text_or_null(row, "peer")?,
        forwarded: text_or_null(row, "forwarded")?,
        request: text_or_null(row, "request_id")?,
        method: text(row, "method")?,
        route: text(row, "route")?,
        job: parsed_or_null(row, "job_id")?,
        status: number_or_null(row, "status")?,
        intent: number_or_null(row, "intent")?,
    };
    Ok(AuditRecord { seq: number(row, "seq")?, draft, hash: text(row, "hash")? })
}
