//! Storage of jobs, runs, events, ranges with their plans, tokens, and the audit log, in SQLite or PostgreSQL.
//!
//! The store persists data. Whether a transition is allowed, when to retry, and what to delete is decided
//! elsewhere; this crate only guarantees what must hold for every writer: a job changes together with its event, events are
//! numbered without gap or repeat, two claims never get the same job or the same resource, and a holder of an old
//! claim is refused.
//!
//! Both databases get the same statements and the same migrations. Times are kept to the millisecond. A NUL
//! character in the text of an event is stored as U+FFFD, because PostgreSQL has no NUL in `TEXT`.

mod audit;
mod blockers;
mod channel;
mod children;
mod columns;
mod error;
mod events;
mod history;
mod idempotency;
mod identity;
mod inserted;
mod jobs;
mod journal;
mod leases;
mod listen;
mod locks;
mod moves;
mod open;
mod owners;
#[cfg(test)]
mod plan;
#[cfg(test)]
mod postgres;
mod queue;
mod range_leases;
mod range_secrets;
mod range_upkeep;
mod ranges;
mod requeue;
mod retention;
mod runs;
mod secrets;
mod select;
mod states;
mod step_times;
mod stream;
mod tokens;
mod turns;

use std::{fmt, sync::Arc};

use model::JobId;
use sqlx::{Any, AnyConnection, AnyPool, Transaction};
use tokio::sync::{Mutex, OwnedMutexGuard};

pub use audit::{AuditHead, AuditQuery, AuditRetention, Chain};
pub use blockers::Blocker;
pub use error::Error;
pub use history::{JobQuery, LastSuccess};
pub use idempotency::IdempotencyKey;
pub use inserted::Inserted;
pub use jobs::Admission;
pub use journal::PlanHolder;
pub use listen::{Listener, Notification};
pub use moves::JobMove;
pub use owners::{Owned, OwnerLock};
pub use queue::{Claim, QueueEntry, RunningJob, Waiting};
pub use range_leases::HeldLease;
pub use ranges::{PlanDraft, PlanInputs, Planned, Settlement};
pub use requeue::{Requeue, Requeued};
pub use retention::Retention;
pub use secrets::SealedCount;
pub use step_times::StepTime;
pub use stream::{EventQuery, LogPlace};
pub use turns::{FullQueue, QueueLimits};

/// Which database is behind a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// A file on this machine.
    Sqlite,
    /// A server, which several machines can share.
    Postgres,
}

/// Where a store keeps its data.
#[derive(Clone)]
pub struct Options {
    /// `sqlite:///absolute/path/file.db`, `sqlite://relative/path/file.db`, or
    /// `postgres://user:password@host:port/database` with libpq's parameters.
    ///
    /// The path of a file is used literally: nothing in it is decoded, and `?` is not allowed.
    pub url: String,
    /// The most connections to the database at once; 0 is taken as 1.
    pub max_connections: u32,
}

impl fmt::Debug for Options {
    /// Everything after the scheme of a server's URL can contain a password, so it is not shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = match self.url.split_once("://") {
            Some(("sqlite", _)) => &self.url,
            Some((scheme, _)) => &format!("{scheme}://***"),
            None => "***",
        };
        f.debug_struct("Options").field("url", &url).field("max_connections", &self.max_connections).finish()
    }
}

/// An open database; clones share its connections.
#[derive(Debug, Clone)]
pub struct Store {
    pool: AnyPool,
    backend: Backend,
    /// SQLite has one writer at a time, and waits for it by sleeping longer and longer. Writers of this process
    /// queue here instead, first come, first served; only other processes meet SQLite's own lock.
    turn: Arc<Mutex<()>>,
    /// Where to listen, on PostgreSQL.
    address: Option<channel::Address>,
}

impl Store {
    /// Which database this is.
    #[must_use]
    pub const fn backend(&self) -> Backend {
        self.backend
    }

    /// Does the database answer?
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), Error> {
        sqlx::query("SELECT 1").fetch_one(&self.pool).await?;
        Ok(())
    }

    /// Waits for running statements and closes all connections. Later calls fail.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Begins a transaction that writes.
    async fn write(&self) -> Result<Write, Error> {
        let (begin, turn) = match self.backend {
            // A transaction that reads first and writes then would fail with SQLITE_BUSY_SNAPSHOT, which no
            // timeout helps against, whenever another one came between: take the write lock at once.
            Backend::Sqlite => ("BEGIN IMMEDIATE", Some(Arc::clone(&self.turn).lock_owned().await)),
            Backend::Postgres => ("BEGIN", None),
        };
        let transaction = self.pool.begin_with(begin).await?;
        let (backend, is_heard) = (self.backend, self.address.is_some());
        Ok(Write { transaction, backend, is_heard, _turn: turn })
    }
}

/// A transaction that writes; dropping it undoes it.
struct Write {
    // Dropped before the turn ends.
    transaction: Transaction<'static, Any>,
    backend: Backend,
    is_heard: bool,
    _turn: Option<OwnedMutexGuard<()>>,
}

impl Write {
    fn connection(&mut self) -> &mut AnyConnection {
        &mut self.transaction
    }

    /// Makes the commit notify all listeners of this job.
    async fn notify(&mut self, job: JobId) -> Result<(), Error> {
        if self.is_heard {
            let notify = sqlx::query("SELECT pg_notify($1, $2)").bind(channel::CHANNEL).bind(job.to_string());
            notify.execute(self.connection()).await?;
        }
        Ok(())
    }

    async fn commit(self) -> Result<(), Error> {
        Ok(self.transaction.commit().await?)
    }

    async fn rollback(self) -> Result<(), Error> {
        Ok(self.transaction.rollback().await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_shown() {
        for (url, shown) in [
            ("postgres://user:secret@host/db", "postgres://***"),
            ("postgres://host/db?user=user&password=secret", "postgres://***"),
            ("postgres:secret", "***"),
            ("sqlite:///var/lib/store.db", "sqlite:///var/lib/store.db"),
        ] {
            let options = Options { url: url.to_owned(), max_connections: 3 };
            assert_eq!(format!("{options:?}"), format!("Options {{ url: {shown:?}, max_connections: 3 }}"));
        }
    }
}
