//! The attempts that this node holds: it renews their leases, and passes on when they are to end.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
};

use model::{Job, JobId, RunId};
use tokio::sync::Notify;

use crate::{Engine, work::kind::Kind};

/// The runs that this node follows, with the claims under which it does.
#[derive(Debug, Default)]
pub(crate) struct Held {
    runs: Mutex<HashMap<RunId, HeldRun>>,
    /// The run of a claim that is being made. A process may be stopped in the middle of it for longer than a lease; what it
    /// has claimed then is not up for others in it.
    claiming: Mutex<Option<RunId>>,
    /// Runs of claims that the store did not answer: it may have made them.
    unsure: Mutex<HashSet<RunId>>,
    /// Notified when another process wrote to one of the jobs.
    pub(crate) changed: Notify,
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
    pub(crate) kind: Kind,
}

impl Held {
    pub(crate) fn list(&self) -> Vec<HeldRun> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner).values().copied().collect()
    }

    pub(crate) fn get(&self, run: RunId) -> Option<HeldRun> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner).get(&run).copied()
    }

    pub(crate) fn has(&self, run: RunId) -> bool {
        // In this order, because a run leaves the first after it is in the second.
        *self.claiming.lock().unwrap_or_else(PoisonError::into_inner) == Some(run)
            || self.runs.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&run)
    }

    /// A claim is about to be made for this run, or none anymore.
    pub(crate) fn claims(&self, run: Option<RunId>) {
        *self.claiming.lock().unwrap_or_else(PoisonError::into_inner) = run;
    }

    /// It isn't known whether the claim for this run was made.
    pub(crate) fn is_unsure_of(&self, run: RunId) {
        self.unsure.lock().unwrap_or_else(PoisonError::into_inner).insert(run);
    }

    /// Whether it wasn't known that the claim for this run was made; it is from now on.
    pub(crate) fn was_unsure_of(&self, run: RunId) -> bool {
        self.unsure.lock().unwrap_or_else(PoisonError::into_inner).remove(&run)
    }

    fn add(&self, run: HeldRun) {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner).insert(run.run, run);
    }

    /// Another process wrote to this job.
    pub(crate) fn notify(&self, job: JobId) {
        let held = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        if held.values().any(|held| held.job == job) {
            self.changed.notify_one();
        }
    }
}

/// As long as this lives, the node beats for the run.
#[derive(Debug)]
pub(crate) struct Hold {
    engine: Engine,
    run: RunId,
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.engine.inner.held.runs.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.run);
    }
}

impl Engine {
    /// Holds a run from its claim on: only its holder decides on it here.
    pub(crate) fn hold(&self, job: &Job, run: RunId) -> Hold {
        let kind = Kind::of(&job.request.work);
        self.inner.held.add(HeldRun { run, job: job.id, fence: job.fence, kind });
        Hold { engine: self.clone(), run }
    }
}
