//! Leases: a node that works on a job renews its lease every few seconds. When the lease expires, another node can
//! take over the job.
//!
//! A node renews the leases of all runs that it holds (`background/renew_leases.rs`). When the store reports that a
//! claim has ended, the node stops the run, because another node has marked the job as lost and may have started a
//! new run. Every node searches for expired leases (`background/take_over_jobs.rs`). It continues its own jobs; for
//! jobs of other nodes, the kind of work decides.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use store::Store;

/// Number of renewals per lease duration; three can be late or lost.
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

    /// The current time by the clock that all nodes share, and the end of a lease that starts now.
    ///
    /// # Errors
    /// When the store does not respond.
    pub(crate) async fn begin(&self) -> Result<(Timestamp, Timestamp), store::Error> {
        let now = self.store.clock().await?;
        Ok((now, now.checked_add(self.length).unwrap_or(Timestamp::MAX)))
    }
}
