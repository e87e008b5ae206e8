//! Deletes the oldest entries of the audit log. The rest is still one chain.
//!
//! ```text
//!  1 ... 4000    4001 ... 4711    4712: removed, 4000:9c0e...
//!  deleted       a later entry records where the chain begins, and its hash covers that
//! ```
//! Entries are verified before they are deleted: a chain that is broken there stays unchanged, for an investigation.

use std::ops::ControlFlow;

use jiff::Timestamp;
use model::{AuditDraft, AuditKind};

use super::{AuditHead, Chain, insert, next_hash};
use crate::{
    Error, Store,
    columns::{number, text, to_bound},
};

/// How many entries are deleted at once: writers of new ones wait meanwhile.
const BATCH: u64 = 10_000;
/// How many more entries than the limit can exist: each deletion is an entry itself.
const SLACK: u64 = 100;

/// The caller in the record of a removal.
const CALLER: &str = "retention";
const BASE: &str = "SELECT route FROM audit WHERE caller = $1 AND kind = $2 ORDER BY seq DESC LIMIT 1";

/// Which entries are kept: those that no rule excludes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AuditRetention {
    /// None that is older than this.
    pub older_than: Option<Timestamp>,
    /// Keep this number of the newest entries, and up to a hundred more.
    pub keep: Option<u64>,
}

impl Store {
    /// Deletes the oldest entries that one of the rules excludes, at most some thousands, and returns how many.
    ///
    /// # Errors
    /// If the database fails, or if the chain is broken among the entries to delete.
    pub async fn prune_audit(&self, retention: &AuditRetention, now: Timestamp) -> Result<u64, Error> {
        let base = self.audit_base().await?;
        let last = self.last_to_go(retention, &base).await?;
        match self.walk(base.clone(), last, None).await? {
            ControlFlow::Continue(last) if last.seq > base.seq => self.remove(&base, &last, now).await,
            // Another node may have deleted them while they were read.
            ControlFlow::Break(Chain::Broken { at, why }) if self.audit_base().await? == base => {
                Err(Error::BrokenAudit { at, why })
            }
            ControlFlow::Continue(_) | ControlFlow::Break(_) => Ok(0),
        }
    }

    /// The last record that was removed: the chain begins after it. Number 0 when none was.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn audit_base(&self) -> Result<AuditHead, Error> {
        let select = sqlx::query(BASE).bind(CALLER).bind(AuditKind::Removed.as_str());
        let row = select.fetch_optional(&self.pool).await?;
        let route = row.map(|row| text(&row, "route")).transpose()?;
        // With any other route the chain has no beginning, which the verification detects.
        Ok(route.and_then(|route| parsed(&route)).unwrap_or_else(AuditHead::none))
    }

    /// What is wrong before the chain begins, or with a record that was noted there.
    pub(super) async fn before_base(
        &self,
        base: &AuditHead,
        known: Option<&AuditHead>,
    ) -> Result<Option<Chain>, Error> {
        let select = sqlx::query("SELECT seq FROM audit WHERE seq <= $1 ORDER BY seq LIMIT 1");
        if let Some(row) = select.bind(to_bound(base.seq)).fetch_optional(&self.pool).await? {
            let why = "the record was removed and is there again";
            return Ok(Some(Chain::Broken { at: number(&row, "seq")?, why }));
        }
        let why = match known {
            Some(known) if known.seq == base.seq && base.seq > 0 && known.hash != base.hash => {
                "the record is not the one that was noted"
            }
            Some(known) if known.seq > 0 && known.seq < base.seq => {
                "the record was removed since it was noted: note a later one"
            }
            _ => return Ok(None),
        };
        Ok(known.map(|known| Chain::Broken { at: known.seq, why }))
    }

    async fn last_to_go(&self, retention: &AuditRetention, base: &AuditHead) -> Result<u64, Error> {
        let head = self.audit_head().await?.seq;
        let too_old = match retention.older_than {
            Some(time) => {
                let select = sqlx::query("SELECT seq FROM audit WHERE time >= $1 ORDER BY seq LIMIT 1");
                let young = select.bind(time.as_millisecond()).fetch_optional(&self.pool).await?;
                young.map_or(Ok(head), |row| number::<u64>(&row, "seq").map(|seq| seq - 1))?
            }
            None => 0,
        };
        let too_many = match retention.keep {
            Some(keep) if head.saturating_sub(base.seq) >= keep.saturating_add(SLACK) => head - keep,
            _ => 0,
        };
        Ok(too_old.max(too_many).min(base.seq + BATCH))
    }

    /// Deletes the entries between the two, including the second, and records the deletion in an entry.
    async fn remove(&self, base: &AuditHead, last: &AuditHead, now: Timestamp) -> Result<u64, Error> {
        let mut write = self.write().await?;
        let hold = sqlx::query("UPDATE audit_head SET seq = seq + 1 RETURNING seq, hash");
        let row = hold.fetch_one(write.connection()).await?;
        let seq = number(&row, "seq")?;
        let draft = record(last, now);
        let hash = next_hash(&text(&row, "hash")?, &draft, seq);
        let delete = sqlx::query("DELETE FROM audit WHERE seq <= $1").bind(to_bound(last.seq));
        let removed = delete.execute(write.connection()).await?.rows_affected();
        if removed != last.seq - base.seq {
            // Another node was quicker.
            write.rollback().await?;
            return Ok(0);
        }
        insert(&mut write, seq, &draft, &hash).await?;
        sqlx::query("UPDATE audit_head SET hash = $1").bind(hash).execute(write.connection()).await?;
        write.commit().await?;
        Ok(removed)
    }
}

impl AuditHead {
    /// Before the first record.
    pub(super) fn none() -> Self {
        Self { seq: 0, hash: "0".repeat(64) }
    }
}

fn record(last: &AuditHead, time: Timestamp) -> AuditDraft {
    AuditDraft {
        time,
        kind: AuditKind::Removed,
        caller: CALLER.to_owned(),
        role: "admin".to_owned(),
        via: "service".to_owned(),
        peer: None,
        forwarded: None,
        request: None,
        method: "REMOVE".to_owned(),
        route: format!("{}:{}", last.seq, last.hash),
        job: None,
        status: None,
        intent: None,
    }
}

fn parsed(route: &str) -> Option<AuditHead> {
    let (seq, hash) = route.split_once(':')?;
    Some(AuditHead { seq: seq.parse().ok()?, hash: hash.to_owned() })
}
