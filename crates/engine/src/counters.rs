//! Figures of this process: how many events went through each stage, and who watches.
//!
//! ```text
//!   ansible-runner --emitted--> spool --spooled--> store --stored--> watchers --delivered-->
//! ```
//! The first three are counted when a run is over and must be alike. What is delivered is counted once per
//! watcher; that nothing is missing there is looked after while it is given, see [`crate::Following`].

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use model::{Ending, Job, JobState, PlaybookDetail, PlaybookOutcome, RunId};

use crate::{Capacity, Engine, jobs::Error};

/// How somebody watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WatcherKind {
    /// Server-sent events.
    ServerSent,
    /// Lines of JSON.
    Lines,
    /// The log as text.
    Log,
    /// A WebSocket with the log of a job.
    WebSocket,
    /// A WebSocket with the machines of a node.
    VmStatus,
}

impl WatcherKind {
    /// Every kind; each stands at the place of its own number.
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

/// What is counted.
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
    /// So many events were given to a watcher.
    pub(crate) fn delivered(&self, events: usize) {
        self.delivered.fetch_add(events as u64, Relaxed);
    }

    /// Events are missing that should be there, or there are too many.
    pub(crate) fn mismatch(&self) {
        self.mismatches.fetch_add(1, Relaxed);
    }
}

/// Counts a watcher as long as it is there.
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

/// All figures at one moment. Those of events count from the start of this process.
#[derive(Debug)]
pub struct Figures {
    /// Events by stage, in the order of their way.
    pub events: [(&'static str, u64); 4],
    /// Runs and watchers for which the numbers of events were not alike.
    pub mismatches: u64,
    /// Jobs by state, on all nodes.
    pub jobs: Vec<(JobState, u64)>,
    /// Places for runs on this node.
    pub capacity: Capacity,
    /// Watchers of this process by kind.
    pub watchers: Vec<(WatcherKind, u64)>,
}

impl Engine {
    /// Counts somebody who watches until what this gives is dropped.
    #[must_use]
    pub fn watching(&self, kind: WatcherKind) -> Watching {
        let counters = Arc::clone(&self.inner.counters);
        counters.watchers[kind as usize].fetch_add(1, Relaxed);
        Watching { counters, kind }
    }

    /// All figures as they are now.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn figures(&self) -> Result<Figures, Error> {
        let counts = self.store().counts().await?;
        let counters = &self.inner.counters;
        Ok(Figures {
            events: [
                ("emitted", counters.emitted.load(Relaxed)),
                ("spooled", counters.spooled.load(Relaxed)),
                ("stored", counters.stored.load(Relaxed)),
                ("delivered", counters.delivered.load(Relaxed)),
            ],
            mismatches: counters.mismatches.load(Relaxed),
            jobs: JobState::ALL
                .iter()
                .map(|state| (*state, counts.get(state).copied().unwrap_or(0)))
                .collect(),
            capacity: self.capacity(),
            watchers: WatcherKind::ALL
                .iter()
                .map(|kind| (*kind, counters.watchers[*kind as usize].load(Relaxed)))
                .collect(),
        })
    }

    /// Counts the events of a run that is over, and compares. Of a lost run nobody knows how many there were.
    pub(crate) async fn account(&self, job: &Job, run: RunId, outcome: &PlaybookOutcome) {
        if outcome.ending == Ending::Lost {
            return;
        }
        let stored = match self.store().event_count(run).await {
            Ok(stored) => stored,
            Err(error) => {
                tracing::warn!(job.id = %job.id, %error, "the events of the run were not counted");
                return;
            }
        };
        let PlaybookDetail { emitted, events: spooled, .. } = &outcome.detail;
        let counters = &self.inner.counters;
        counters.emitted.fetch_add(*emitted, Relaxed);
        counters.spooled.fetch_add(*spooled, Relaxed);
        counters.stored.fetch_add(stored, Relaxed);
        if emitted != spooled || *spooled != stored {
            counters.mismatch();
            tracing::error!(job.id = %job.id, emitted, spooled, stored, "events of the run are missing");
        }
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
