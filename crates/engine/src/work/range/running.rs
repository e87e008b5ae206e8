//! The plans that this process carries out, so that a cancel request reaches them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use model::RunId;

/// Running plans by attempt; clones are cheap.
#[derive(Clone, Default)]
pub(crate) struct RunningPlans(Arc<Mutex<HashMap<RunId, saga::Handle>>>);

impl std::fmt::Debug for RunningPlans {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunningPlans").finish_non_exhaustive()
    }
}

/// Removes the plan from the registry when it is dropped.
pub(super) struct Registered {
    plans: RunningPlans,
    run: RunId,
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.plans.lock().remove(&self.run);
    }
}

impl RunningPlans {
    pub(super) fn register(&self, run: RunId, handle: saga::Handle) -> Registered {
        self.lock().insert(run, handle);
        Registered { plans: self.clone(), run }
    }

    /// Ends the plan of an attempt at the next safe point.
    pub(super) fn cancel(&self, run: RunId) {
        if let Some(handle) = self.lock().get(&run) {
            handle.cancel();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<RunId, saga::Handle>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
