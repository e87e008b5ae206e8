//! The pollers of Proxmox nodes: one per API host and node, however many clients watch.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use model::vm_status::Vm;
use tokio::{runtime::Handle, sync::watch::Sender};

/// API host and node.
pub(super) type Place = (String, String);

/// What the last look saw.
#[derive(Debug, Clone, Default)]
pub(super) struct Look {
    /// Every machine; `None` while no look has succeeded.
    pub(super) vms: Option<Arc<Vec<Vm>>>,
    /// Why the last look failed.
    pub(super) error: Option<Arc<str>>,
}

/// The pollers that run.
#[derive(Debug, Default)]
pub(super) struct Pollers {
    running: Mutex<HashMap<Place, Weak<Sender<Look>>>>,
    /// Where they run: threads of the HTTP server have runtimes of their own, which may end earlier.
    pub(super) runtime: Option<Handle>,
}

impl Pollers {
    pub(super) fn new() -> Self {
        Self { running: Mutex::default(), runtime: Handle::try_current().ok() }
    }

    pub(super) fn running(&self) -> MutexGuard<'_, HashMap<Place, Weak<Sender<Look>>>> {
        // Nothing is done with the map that could leave it half changed.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
