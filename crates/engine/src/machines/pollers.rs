//! The pollers of Proxmox nodes. There is one per API host and node, regardless of the number of watchers.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use model::vm_status::Vm;
use tokio::{runtime::Handle, sync::watch::Sender};

/// API host and node.
pub(super) type PollerKey = (String, String);

/// The result of the last poll.
#[derive(Debug, Clone, Default)]
pub(super) struct PollResult {
    /// Every machine; `None` until a poll has succeeded.
    pub(super) vms: Option<Arc<Vec<Vm>>>,
    /// Why the last poll failed.
    pub(super) error: Option<Arc<str>>,
}

/// The active pollers.
#[derive(Debug, Default)]
pub(super) struct Pollers {
    running: Mutex<HashMap<PollerKey, Weak<Sender<PollResult>>>>,
    /// The runtime of the pollers. Threads of the HTTP server have separate runtimes, and can end earlier.
    pub(super) runtime: Option<Handle>,
}

impl Pollers {
    pub(super) fn new() -> Self {
        Self { running: Mutex::default(), runtime: Handle::try_current().ok() }
    }

    pub(super) fn running(&self) -> MutexGuard<'_, HashMap<PollerKey, Weak<Sender<PollResult>>>> {
        // No operation can leave the map half changed, so a poisoned lock is safe to use.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
