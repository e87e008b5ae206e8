//! Applies staged changes of networks for all callers that wait for it.

use tokio::sync::Mutex;

use super::{api::Api, fabric::Fabric, tasks};
use crate::{error::Error, platform::Progress};

/// Applies staged changes: one call for all that were staged while the call before was made.
#[derive(Debug, Default)]
pub(super) struct Applier {
    staged: std::sync::atomic::AtomicU64,
    applied: Mutex<Option<(u64, Progress)>>,
}

impl Applier {
    /// Applies what the caller has staged.
    pub(super) async fn apply(&self, api: &Api, fabric: &Fabric) -> Result<Progress, Error> {
        use std::sync::atomic::Ordering::SeqCst;
        let own = self.staged.fetch_add(1, SeqCst) + 1;
        let mut applied = self.applied.lock().await;
        if let Some((until, progress)) = &*applied
            && *until >= own
        {
            return Ok(progress.clone());
        }
        let until = self.staged.load(SeqCst);
        let progress = tasks::progress(&fabric.apply(api).await?);
        *applied = Some((until, progress.clone()));
        Ok(progress)
    }
}
