//! The attempts that this node holds: it renews their leases, and passes on when they are to end.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use model::{Job, JobId, RunId, WorkKind};

/// The attempts that this node holds, with the claims under which it does; clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct HeldRuns(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    runs: Mutex<HashMap<RunId, HeldRun>>,
    /// The run of a claim that is being made. A process may be stopped in the middle of it for longer than a lease; what it
    /// has claimed then is not up for others in it.
    claiming: Mutex<Option<RunId>>,
    /// Runs of claims that the store did not answer: it may have made them.
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
    /// What kind of work it is.
    pub(crate) kind: WorkKind,
}

impl HeldRuns {
    /// Holds a run from its claim on: only its holder decides on it in this process.
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
        // In this order, because a run leaves the first after it is in the second.
        *locked(&self.0.claiming) == Some(run) || self.runs().contains_key(&run)
    }

    pub(crate) fn has_job(&self, job: JobId) -> bool {
        self.runs().values().any(|held| held.job == job)
    }

    /// A claim is about to be made for this run, or none anymore.
    pub(crate) fn set_claiming(&self, run: Option<RunId>) {
        *locked(&self.0.claiming) = run;
    }

    /// It isn't known whether the claim for this run was made.
    pub(crate) fn add_unsure(&self, run: RunId) {
        locked(&self.0.unsure).insert(run);
    }

    /// Whether it wasn't known that the claim for this run was made; it is from now on.
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

/// As long as this lives, the node renews the lease of the run.
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
