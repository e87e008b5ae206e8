//! Holders that die while they write the journal.

use std::sync::atomic::{AtomicUsize, Ordering};

use model::{JournalChange, JournalEntry, JournalPhase, JournalRecord};
use saga::{Journal, MemoryError, MemoryJournal};
use tokio::time::sleep;

use crate::world::LATENCY;

/// A journal that dies with its holder at the write of this number, from 1: before the write, or right after it is durable.
pub(crate) struct FailingJournal {
    inner: MemoryJournal,
    left: AtomicUsize,
    is_written: bool,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Crash {
    #[error("the holder died")]
    Died,
    #[error(transparent)]
    Memory(#[from] MemoryError),
}

impl FailingJournal {
    pub(crate) fn at(inner: &MemoryJournal, write: usize, is_written: bool) -> Self {
        Self { inner: inner.take_over(), left: AtomicUsize::new(write), is_written }
    }

    /// A write takes a while: what is called before it is durable has arrived when its holder dies.
    async fn dies(&self) -> bool {
        sleep(LATENCY / 4).await;
        self.left.fetch_sub(1, Ordering::Relaxed) == 1
    }
}

impl Journal for FailingJournal {
    type Error = Crash;

    async fn read(&self) -> Result<Option<JournalRecord>, Crash> {
        Ok(self.inner.read().await?)
    }

    async fn begin(&self, entries: &[JournalEntry]) -> Result<(), Crash> {
        let dies = self.dies().await;
        if !dies || self.is_written {
            self.inner.begin(entries).await?;
        }
        if dies { Err(Crash::Died) } else { Ok(()) }
    }

    async fn write(&self, phase: JournalPhase, changes: &[JournalChange]) -> Result<(), Crash> {
        let dies = self.dies().await;
        if !dies || self.is_written {
            self.inner.write(phase, changes).await?;
        }
        if dies { Err(Crash::Died) } else { Ok(()) }
    }
}
