//! Removes the oldest entries of the audit log, according to the retention settings.

use store::Store;

use super::{
    error::TaskError,
    keep::Keep,
    task::{About, Task},
};
use crate::clock;

/// Removes old entries of the audit log.
#[derive(Debug)]
pub(crate) struct PruneAudit {
    store: Store,
    keep: Keep,
}

impl PruneAudit {
    pub(crate) const fn new(store: Store, keep: Keep) -> Self {
        Self { store, keep }
    }
}

impl Task for PruneAudit {
    const ABOUT: About = About {
        name: "prune_audit",
        summary: "Removes audit entries that the retention policy doesn't keep",
    };

    async fn activate(&self) -> Result<u64, TaskError> {
        let mut all = 0;
        while !self.keep.keeps_audit() {
            let now = clock::now();
            let removed = self.store.prune_audit(&self.keep.audit(now), now).await?;
            if removed == 0 {
                break;
            }
            tracing::info!(audit.removed = removed, "removed old entries of the audit log");
            all += removed;
        }
        Ok(all)
    }
}
