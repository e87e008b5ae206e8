//! Counters of this process: events per stage, and watchers.
//!
//! ```text
//!   ansible-runner --emitted--> spool --spooled--> store --stored--> watchers --delivered-->
//! ```
//! The first three are counted when a run is over, and must be equal. Delivered events are counted once per
//! watcher; completeness is checked during delivery, see [`crate::Following`]. `metrics.rs` exports the counters.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use model::{Ending, Job, PlaybookDetail, PlaybookOutcome, RunId};
use store::Store;

/// How a client watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WatcherKind {
    /// Server-sent events.
    ServerSent,
    /// JSON lines.
    Lines,
    /// The log as text.
    Log,
    /// A WebSocket with the log of a job.
    WebSocket,
    /// A WebSocket with the machines of a node.
    VmStatus,
}

impl WatcherKind {
    /// Every kind, at the index of its discriminant.
    pub const ALL: [Self; 5] = [Self::ServerSent, Self::Lines, Self::Log, Self::WebSocket, Self::VmStatus];

    /// The name of the kind.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ServerSent => "sse",
            Self::Lines => "ndjson",
            Self::Log => "log",
            Self::WebSocket => "websocket",
            Self::VmStatus => "vm_status",
        }
    }
}

/// The counters.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    emitted: AtomicU64,
    spooled: AtomicU64,
    stored: AtomicU64,
    delivered: AtomicU64,
    mismatches: AtomicU64,
    watchers: [AtomicU64; WatcherKind::ALL.len()],
}

impl Counters {
    /// Counts events that were delivered to a watcher.
    pub(crate) fn delivered(&self, events: usize) {
        self.delivered.fetch_add(events as u64, Relaxed);
    }

    /// Counts a run or a watcher with missing or surplus events.
    pub(crate) fn mismatch(&self) {
        self.mismatches.fetch_add(1, Relaxed);
    }
}

/// Counts a watcher while this value exists.
#[derive(Debug)]
pub struct Watching {
    counters: Arc<Counters>,
    kind: WatcherKind,
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.counters.watchers[self.kind as usize].fetch_sub(1, Relaxed);
    }
}

impl Counters {
    /// Counts the events of a run that is over, and compares the counts. A lost run is not counted, because its
    /// number of emitted events is unknown.
    pub(crate) async fn account(&self, store: &Store, job: &Job, run: RunId, outcome: &PlaybookOutcome) {
        if outcome.ending == Ending::Lost {
            return;
        }
        let stored = match store.event_count(run).await {
            Ok(stored) => stored,
            Err(error) => {
                tracing::warn!(job.id = %job.id, %error, "the events of the run were not counted");
                return;
            }
        };
        let PlaybookDetail { emitted, events: spooled, .. } = &outcome.detail;
        self.emitted.fetch_add(*emitted, Relaxed);
        self.spooled.fetch_add(*spooled, Relaxed);
        self.stored.fetch_add(stored, Relaxed);
        if emitted != spooled || *spooled != stored {
            self.mismatch();
            tracing::error!(job.id = %job.id, emitted, spooled, stored, "events of the run are missing");
        }
    }

    /// Counts a watcher until the returned value is dropped.
    pub(crate) fn watching(self: &Arc<Self>, kind: WatcherKind) -> Watching {
        self.watchers[kind as usize].fetch_add(1, Relaxed);
        Watching { counters: Arc::clone(self), kind }
    }

    /// Events by stage, from first to last.
    pub(crate) fn events(&self) -> [(&'static str, u64); 4] {
        [
            ("emitted", self.emitted.load(Relaxed)),
            ("spooled", self.spooled.load(Relaxed)),
            ("stored", self.stored.load(Relaxed)),
            ("delivered", self.delivered.load(Relaxed)),
        ]
    }

    /// How many runs and watchers had event counts that did not match.
    pub(crate) fn mismatches(&self) -> u64 {
        self.mismatches.load(Relaxed)
    }

    /// Watchers by kind.
    pub(crate) fn watchers(&self) -> Vec<(WatcherKind, u64)> {
        let count = |kind: WatcherKind| (kind, self.watchers[kind as usize].load(Relaxed));
        WatcherKind::ALL.into_iter().map(count).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_watcher_has_a_place_of_its_own() {
        for (place, kind) in WatcherKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, place);
        }
    }
}
