//! Readiness of the service: the store responds, and the runs of the previous service were recovered.

use std::{sync::Arc, time::Duration};

use store::Store;
use tokio::{sync::watch, time::timeout};

/// Reports whether the service is ready; clones share the state.
#[derive(Debug, Clone)]
pub struct Readiness {
    store: Store,
    /// Whether the runs of the previous service were recovered. No job is claimed until then.
    recovered: Arc<watch::Sender<bool>>,
}

impl Readiness {
    pub(crate) fn new(store: Store) -> Self {
        Self { store, recovered: Arc::new(watch::Sender::new(false)) }
    }

    /// Checks that the store responds.
    ///
    /// # Errors
    /// When it does not.
    pub async fn check_store(&self) -> Result<(), store::Error> {
        self.store.ping().await
    }

    /// Waits at most `limit` until the runs of the previous service are recovered; returns whether they are.
    pub async fn is_recovered_within(&self, limit: Duration) -> bool {
        let mut recovered = self.recovered.subscribe();
        let recovered = timeout(limit, recovered.wait_for(|recovered| *recovered)).await;
        // `self` owns the sender, so the channel is never closed.
        matches!(recovered, Ok(Ok(_)))
    }

    pub(crate) fn set_recovered(&self) {
        self.recovered.send_replace(true);
    }
}
