//! Leases: a node that works on a job renews its lease every few seconds; when the lease is over, the job is another's.
//!
//! A node renews the leases of all runs it holds (`background/renew_leases.rs`). When the store reports that a claim is
//! over, the run is stopped: another node has called the job lost, and may have given it to a new run. Any node looks for
//! jobs whose lease is over (`background/take_over_jobs.rs`): its own are continued; what becomes of those of others is
//! decided by their kind of work.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use store::Store;

/// How many renewals a lease lasts: three may be late or lost.
const RENEWALS: u32 = 4;

/// The leases of a node; clones are cheap.
#[derive(Debug, Clone)]
pub(crate) struct Leases {
    store: Store,
    node: Arc<str>,
    length: Duration,
}

impl Leases {
    pub(crate) const fn new(store: Store, node: Arc<str>, length: Duration) -> Self {
        Self { store, node, length }
    }

    /// The name of this node.
    pub(crate) fn node(&self) -> &str {
        &self.node
    }

    /// How often a lease is renewed.
    pub(crate) fn renewal_period(&self) -> Duration {
        self.length / RENEWALS
    }

    /// Now, by the clock that all nodes share, and the end of a lease that begins now.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn begin(&self) -> Result<(Timestamp, Timestamp), store::Error> {
        let now = self.store.clock().await?;
        Ok((now, now.checked_add(self.length).unwrap_or(Timestamp::MAX)))
    }
}
