//! Metrics of this process, for `/metrics`.

use std::sync::Arc;

use model::JobState;
use store::Store;

use crate::{
    background::status::{Background, TaskStatus},
    counters::{Counters, WatcherKind, Watching},
    queue::{Capacity, Queue},
};

/// Counts watchers and collects all metrics; clones are cheap.
#[derive(Debug, Clone)]
pub struct Metrics {
    store: Store,
    counters: Arc<Counters>,
    queue: Queue,
    background: Background,
}

/// A snapshot of all metrics. Event counters start with this process.
#[derive(Debug)]
pub struct Figures {
    /// Events by stage, from first to last.
    pub events: [(&'static str, u64); 4],
    /// Runs and watchers whose event counts did not match.
    pub mismatches: u64,
    /// Jobs by state, on all nodes.
    pub jobs: Vec<(JobState, u64)>,
    /// Slots of this node.
    pub capacity: Capacity,
    /// Watchers of this process by kind.
    pub watchers: Vec<(WatcherKind, u64)>,
    /// Background tasks of this process.
    pub background: Vec<TaskStatus>,
}

impl Metrics {
    pub(crate) const fn new(
        store: Store,
        counters: Arc<Counters>,
        queue: Queue,
        background: Background,
    ) -> Self {
        Self { store, counters, queue, background }
    }

    /// Counts a watcher until the returned value is dropped.
    #[must_use]
    pub fn watching(&self, kind: WatcherKind) -> Watching {
        self.counters.watching(kind)
    }

    /// Returns all metrics with their current values.
    ///
    /// # Errors
    /// When the store does not respond.
    pub async fn figures(&self) -> Result<Figures, store::Error> {
        let counts = self.store.counts().await?;
        let count = |state: &JobState| (*state, counts.get(state).copied().unwrap_or(0));
        Ok(Figures {
            events: self.counters.events(),
            mismatches: self.counters.mismatches(),
            jobs: JobState::ALL.iter().map(count).collect(),
            capacity: self.queue.capacity(),
            watchers: self.counters.watchers(),
            background: self.background.tasks(),
        })
    }
}
