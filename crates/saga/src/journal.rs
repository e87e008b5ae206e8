//! Where a saga keeps how far it has come.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use model::{JournalChange, JournalEntry, JournalPhase, JournalRecord, StepState};

/// Keeps the journal of one plan. Each write is durable when it returns, is written whole or not at all, and is refused once another
/// holder has taken the plan over.
pub trait Journal: Sync {
    /// Why it could not read or write. After any error the saga stops, and continues later from what is recorded.
    type Error: std::error::Error + Send + Sync + 'static;

    /// All that is recorded; `None` before [`Self::begin`].
    fn read(&self) -> impl Future<Output = Result<Option<JournalRecord>, Self::Error>> + Send;

    /// Records all steps of a plan that goes forward.
    fn begin(&self, entries: &[JournalEntry]) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Records changes of steps in their order, each only from the state that it names, and which way the plan goes.
    fn write(
        &self,
        phase: JournalPhase,
        changes: &[JournalChange],
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// Why a [`MemoryJournal`] refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MemoryError {
    /// Another holder has taken the plan over.
    #[error("the plan is held by another holder")]
    Stale,
    /// Nothing was recorded of the plan.
    #[error("the plan has no journal")]
    NotBegun,
    /// A step is not in the state that the change begins with.
    #[error("step {step} is not {from}")]
    Differs {
        /// The step.
        step: u32,
        /// The state that was expected.
        from: StepState,
    },
}

#[derive(Debug, Default)]
struct MemoryContents {
    fence: u64,
    record: Option<JournalRecord>,
}

/// A journal in memory: for plans that end with the process, such as those of simulations. Clones are the same holder.
#[derive(Debug, Clone, Default)]
pub struct MemoryJournal {
    kept: Arc<Mutex<MemoryContents>>,
    fence: u64,
}

impl MemoryJournal {
    /// The same journal under a new fence: former holders are refused from now on.
    #[must_use]
    pub fn take_over(&self) -> Self {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.fence += 1;
        Self { kept: Arc::clone(&self.kept), fence: kept.fence }
    }

    fn held<T>(
        &self,
        then: impl FnOnce(&mut MemoryContents) -> Result<T, MemoryError>,
    ) -> Result<T, MemoryError> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.fence == self.fence { then(&mut kept) } else { Err(MemoryError::Stale) }
    }
}

impl Journal for MemoryJournal {
    type Error = MemoryError;

    async fn read(&self) -> Result<Option<JournalRecord>, MemoryError> {
        self.held(|kept| Ok(kept.record.clone()))
    }

    async fn begin(&self, entries: &[JournalEntry]) -> Result<(), MemoryError> {
        self.held(|kept| {
            kept.record = Some(JournalRecord { phase: JournalPhase::Forward, entries: entries.to_vec() });
            Ok(())
        })
    }

    async fn write(&self, phase: JournalPhase, changes: &[JournalChange]) -> Result<(), MemoryError> {
        self.held(|kept| {
            let Some(record) = kept.record.as_mut() else { return Err(MemoryError::NotBegun) };
            let mut states = BTreeMap::new();
            for JournalChange { step, from, entry } in changes {
                let recorded = record.entries.get(*step as usize).map(|entry| entry.state);
                if states.insert(*step, entry.state).or(recorded) != Some(*from) {
                    return Err(MemoryError::Differs { step: *step, from: *from });
                }
            }
            record.phase = phase;
            for JournalChange { step, entry, .. } in changes {
                record.entries[*step as usize].clone_from(entry);
            }
            Ok(())
        })
    }
}
