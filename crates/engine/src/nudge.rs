//! A nudge activates a loop before its timer does. Nudges that arrive during an activation count as one.

use std::sync::Arc;

use tokio::sync::Notify;

/// Nudges one loop; clones nudge the same one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Nudge(Arc<Notify>);

impl Nudge {
    /// Nudges the loop. If the loop is not waiting, the nudge is kept until it does.
    pub(crate) fn send(&self) {
        self.0.notify_one();
    }

    /// Waits for a nudge.
    pub(crate) async fn received(&self) {
        self.0.notified().await;
    }
}
