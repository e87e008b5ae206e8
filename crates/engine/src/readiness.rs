//! Whether the service can work: the store answers, and the runs of the service before were recovered.

use std::{sync::Arc, time::Duration};

use store::Store;
use tokio::{sync::watch, time::timeout};

/// Whether the service can work; clones share what they know.
#[derive(Debug, Clone)]
pub struct Readiness {
    store: Store,
    /// Whether the runs of the service before were recovered: no job is claimed until then.
    recovered: Arc<watch::Sender<bool>>,
}

impl Readiness {
    pub(crate) fn new(store: Store) -> Self {
        Self { store, recovered: Arc::new(watch::Sender::new(false)) }
    }

    /// Does the store answer?
    ///
    /// # Errors
    /// When it does not.
    pub async fn check_store(&self) -> Result<(), store::Error> {
        self.store.ping().await
    }

    /// Whether jobs can begin, because runs of the service before were recovered; waits for that up to a limit.
    pub async fn is_recovered_within(&self, limit: Duration) -> bool {
        let mut recovered = self.recovered.subscribe();
        let recovered = timeout(limit, recovered.wait_for(|recovered| *recovered)).await;
        // The sender is a part of this, so waiting itself never fails.
        matches!(recovered, Ok(Ok(_)))
    }

    pub(crate) fn set_recovered(&self) {
        self.recovered.send_replace(true);
    }
}
