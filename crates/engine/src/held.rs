//! The attempts that this node holds. It renews their leases and forwards cancellations to them.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use model::{Job, JobId, RunId, WorkKind};

/// The attempts that this node holds, with their claims; clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct HeldRuns(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    runs: Mutex<HashMap<RunId, HeldRun>>,
    /// The run of a claim that is in progress. The process may be suspended during a claim for longer than a lease;
    /// it must not take over its own claim in that case.
    claiming: Mutex<Option<RunId>>,
    /// Runs of claims for which the store did not respond: the claims may have been made.
    unsure: Mutex<HashSet<RunId>>,
}

/// An attempt that this node holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HeldRun {
    /// The attempt.
    pub(crate) run: RunId,
    /// Its job.
    pub(crate) job: JobId,
    /// The claim.
    pub(crate) fence: u64,
    /// The kind of work.
    pub(crate) kind: WorkKind,
}

impl HeldRuns {
    /// Holds a run from its claim on. Within this process, only the holder decides about the run.
    pub(crate) fn hold(&self, job: &Job, run: RunId) -> Hold {
        let held = HeldRun { run, job: job.id, fence: job.fence, kind: job.request.work.kind() };
        self.runs().insert(run, held);
        Hold { held: self.clone(), run }
    }

    pub(crate) fn list(&self) -> Vec<HeldRun> {
        self.runs().values().copied().collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.runs().is_empty()
    }

    pub(crate) fn get(&self, run: RunId) -> Option<HeldRun> {
        self.runs().get(&run).copied()
    }

    pub(crate) fn has(&self, run: RunId) -> bool {
        // Checked in this order, because a run is removed from `claiming` after it was added to `runs`.
        *locked(&self.0.claiming) == Some(run) || self.runs().contains_key(&run)
    }

    pub(crate) fn has_job(&self, job: JobId) -> bool {
        self.runs().values().any(|held| held.job == job)
    }

    /// Sets or clears the run for which a claim is about to be made.
    pub(crate) fn set_claiming(&self, run: Option<RunId>) {
        *locked(&self.0.claiming) = run;
    }

    /// Records that the result of the claim for this run is unknown.
    pub(crate) fn add_unsure(&self, run: RunId) {
        locked(&self.0.unsure).insert(run);
    }

    /// Returns whether the result of the claim for this run was unknown, and clears that.
    pub(crate) fn take_unsure(&self, run: RunId) -> bool {
        locked(&self.0.unsure).remove(&run)
    }

    fn runs(&self) -> MutexGuard<'_, HashMap<RunId, HeldRun>> {
        locked(&self.0.runs)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The node renews the lease of the run while this value exists.
#[derive(Debug)]
pub(crate) struct Hold {
    held: HeldRuns,
    run: RunId,
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.held.runs().remove(&self.run);
    }
}
