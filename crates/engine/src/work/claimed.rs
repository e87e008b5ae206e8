//! A job that this node works on, with what it holds meanwhile.

use model::{Job, RunId, WorkKind};

use crate::{held::Hold, slots::Slot};

/// Where a claim comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// This process made it, and began the work.
    Started,
    /// A process before this one made it.
    Recovered,
    /// This process made it, and the store never answered.
    Unanswered,
}

/// A job under a claim of this node.
#[derive(Debug)]
pub(crate) struct Claimed {
    /// The job as it was claimed.
    pub(crate) job: Job,
    /// The attempt.
    pub(crate) run: RunId,
    /// Where the claim comes from.
    pub(crate) origin: Origin,
    /// The slot of the job. Work that waits for its children releases it meanwhile.
    pub(crate) slot: Slot,
    /// Renews the lease as long as this lives.
    pub(crate) _hold: Hold,
}

impl Claimed {
    pub(crate) const fn kind(&self) -> WorkKind {
        self.job.request.work.kind()
    }
}
