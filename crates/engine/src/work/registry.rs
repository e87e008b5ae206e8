//! The registry of kinds of work: maps each kind to its `Control` and its `Execution`.
//!
//! A kind takes the components that it needs from [`Parts`]. [`WorkKind`] is matched exhaustively, so a kind that
//! is missing here doesn't compile.

use std::sync::Arc;

use model::WorkKind;
use store::Store;

use super::{
    contract::{Controls, Executions},
    playbook::{
        control::PlaybookControl, execution::Playbooks, never_began::NeverBegan, options::PlaybookOptions,
        runs::Runs, spec::RunSpecs,
    },
    range::{control::RangeControl, execution::RangePlans, options::RangeOptions, running::RunningPlans},
};
use crate::{
    artifacts::Artifacts,
    catalog::{handle::Catalog, known_inventories::KnownInventories},
    changes::Changes,
    counters::Counters,
    jobs::handle::Jobs,
    keyring::handle::Keyring,
    options::{Directories, NodeOptions, Vault},
    platforms::Platforms,
    queue::Queue,
    ranges::run_inventory::RangeInventories,
};

/// Components that kinds of work depend on.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) store: Store,
    pub(crate) changes: Changes,
    pub(crate) counters: Arc<Counters>,
    pub(crate) queue: Queue,
    /// For work that submits children.
    pub(crate) jobs: Jobs,
    pub(crate) platforms: Platforms,
    pub(crate) running_plans: RunningPlans,
    pub(crate) ranges: RangeOptions,
    pub(crate) catalog: Catalog,
    pub(crate) artifacts: Artifacts,
    pub(crate) keys: Arc<Keyring>,
    pub(crate) node: NodeOptions,
    pub(crate) directories: Directories,
    pub(crate) vault: Vault,
    pub(crate) playbooks: PlaybookOptions,
}

/// The control of each kind of work.
pub(crate) fn controls(catalog: &Catalog, directories: &Directories, running: &RunningPlans) -> Controls {
    Controls::new(|kind| match kind {
        WorkKind::Playbook => Arc::new(PlaybookControl::new(catalog.clone(), Runs::new(directories.clone()))),
        WorkKind::Range => Arc::new(RangeControl { running: running.clone() }),
    })
}

/// The execution of each kind of work.
pub(crate) fn executions(parts: Parts) -> Executions {
    let ranges = Arc::new(RangePlans {
        store: parts.store.clone(),
        changes: parts.changes.clone(),
        jobs: parts.jobs.clone(),
        platforms: parts.platforms.clone(),
        keys: Arc::clone(&parts.keys),
        running: parts.running_plans.clone(),
        options: parts.ranges,
        destroyed: std::sync::Mutex::default(),
    });
    let playbooks = Arc::new(playbooks(parts));
    Executions::new(|kind| match kind {
        WorkKind::Playbook => Arc::clone(&playbooks) as _,
        WorkKind::Range => Arc::clone(&ranges) as _,
    })
}

fn playbooks(parts: Parts) -> Playbooks {
    let runs = Runs::new(parts.directories.clone());
    let home = parts.catalog.toolchain().home();
    let ranges = RangeInventories {
        store: parts.store.clone(),
        platforms: parts.platforms,
        keys: Arc::clone(&parts.keys),
    };
    Playbooks {
        store: parts.store.clone(),
        changes: parts.changes.clone(),
        counters: parts.counters,
        launcher: parts.playbooks.launcher.clone(),
        runs: runs.clone(),
        never_began: NeverBegan {
            store: parts.store,
            changes: parts.changes,
            queue: parts.queue,
            runs,
            is_same_boot: parts.node.is_same_boot,
        },
        lease: parts.node.lease,
        specs: RunSpecs {
            options: parts.playbooks,
            node: parts.node.name.into(),
            directories: parts.directories,
            known_inventories: KnownInventories::new(parts.vault.clone(), home),
            vault: parts.vault,
            catalog: parts.catalog,
            artifacts: parts.artifacts,
            ranges,
            keys: parts.keys,
        },
    }
}
