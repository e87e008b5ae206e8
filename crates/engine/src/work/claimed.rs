//! A job that this node works on, with its slot and its lease.

use model::{Job, RunId, WorkKind};

use crate::{held::Hold, slots::Slot};

/// The origin of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// This process made the claim, and started the work.
    Started,
    /// A previous process made the claim.
    Recovered,
    /// This process made the claim, and the store never responded.
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
    /// The slot of the job. Work releases it while it waits for its children.
    pub(crate) slot: Slot,
    /// The lease is renewed while this value exists.
    pub(crate) _hold: Hold,
}

impl Claimed {
    pub(crate) const fn kind(&self) -> WorkKind {
        self.job.request.work.kind()
    }
}
