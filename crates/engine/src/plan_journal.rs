//! The journal of a plan in the store, as a saga writes it.

use model::{JournalChange, JournalEntry, JournalPhase, JournalRecord};
use saga::Journal;
use store::{PlanHolder, Store};

/// The journal of a plan that the job of a claim carries out. Once the claim is over, each write is [`store::Error::Stale`].
#[derive(Debug, Clone)]
pub struct PlanJournal {
    store: Store,
    holder: PlanHolder,
}

impl PlanJournal {
    /// The journal of this plan, under this claim.
    #[must_use]
    pub const fn new(store: Store, holder: PlanHolder) -> Self {
        Self { store, holder }
    }
}

impl Journal for PlanJournal {
    type Error = store::Error;

    async fn read(&self) -> Result<Option<JournalRecord>, store::Error> {
        self.store.journal(self.holder.plan).await
    }

    async fn begin(&self, entries: &[JournalEntry]) -> Result<(), store::Error> {
        self.store.begin_journal(self.holder, entries).await
    }

    async fn write(&self, phase: JournalPhase, changes: &[JournalChange]) -> Result<(), store::Error> {
        self.store.write_journal(self.holder, phase, changes).await
    }
}
