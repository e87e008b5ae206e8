//! Composes an engine. Every handle is built only from the ones before it.
//!
//! ```text
//!  store, options -> catalog, queue, events -> jobs -> machines, resume, progress -> kinds of work -> worker
//!    -> background tasks -> scheduler
//! ```

use std::{sync::Arc, time::Duration};

use content::Inspector;
use store::{Backend, Store};

use crate::{
    artifacts::Artifacts,
    background::{
        driver::Driver, keep::Keep, listen_for_changes::ListenForChanges, prune_audit::PruneAudit,
        prune_files::PruneFiles, prune_history::PruneHistory, relay_cancellations::RelayCancellations,
        renew_leases::RenewLeases, requeue_retries::RequeueRetries, status::Recorder,
        take_over_jobs::TakeOverJobs, task::Schedule, tend_ranges::TendRanges,
    },
    catalog::{
        handle::{Catalog, CatalogOptions},
        inspections::Inspections,
    },
    changes::Changes,
    counters::Counters,
    engine::{Engine, Handles},
    events::handle::Events,
    held::HeldRuns,
    jobs::handle::{JobOptions, Jobs},
    keyring::handle::Keyring,
    leases::Leases,
    machines::{handle::Machines, options::ProxmoxOptions},
    metrics::Metrics,
    options::{Directories, NodeOptions, Vault},
    platforms::Platforms,
    progress::Progress,
    queue::Queue,
    ranges::handle::Ranges,
    readiness::Readiness,
    resume::handle::Resume,
    scheduler::{self, Scheduler, SchedulerParts},
    slots::Slots,
    tokens::Tokens,
    transitions::Transitions,
    work::{
        contract::{Controls, Executions},
        playbook::options::PlaybookOptions,
        range::{options::RangeOptions, running::RunningPlans},
        recovery::Recovery,
        registry::{self, Parts},
        worker::Worker,
    },
};

/// How often history, audit log, and files are pruned, and missed retries are searched for.
const HOUSEKEEPING: Duration = Duration::from_secs(60);
/// Delay before the service listens again after a failure.
const LISTEN_RETRY: Duration = Duration::from_secs(1);
/// Minimum time between two reads of the states of held jobs, however many notifications arrive.
const RELAY_GAP: Duration = Duration::from_millis(100);

/// All options of an engine; the engine itself reads no settings.
#[derive(Debug)]
pub struct Options {
    /// Options of this node.
    pub node: NodeOptions,
    /// Directories of this node.
    pub directories: Directories,
    /// Options for decrypting content.
    pub vault: Vault,
    /// The keys that encrypt the secrets of jobs.
    pub keys: Keyring,
    /// Options of the catalog.
    pub catalog: CatalogOptions,
    /// The inspector of content.
    pub inspector: Inspector,
    /// Options of jobs.
    pub jobs: JobOptions,
    /// Options of playbook runs.
    pub playbooks: PlaybookOptions,
    /// Retention of ended jobs.
    pub keep: Keep,
    /// Options for direct access to Proxmox.
    pub proxmox: ProxmoxOptions,
    /// The platforms on which ranges are created.
    pub platforms: Platforms,
    /// How plans of ranges are carried out.
    pub ranges: RangeOptions,
}

/// Components that background tasks and the scheduler share.
struct SharedComponents {
    store: Store,
    changes: Changes,
    queue: Queue,
    leases: Leases,
    held: HeldRuns,
    jobs: Jobs,
    artifacts: Artifacts,
    controls: Controls,
    executions: Executions,
    worker: Worker,
}

/// Creates an engine on top of a store, and its scheduler. Nothing runs before [`Scheduler::run`].
#[must_use]
pub fn compose(store: Store, options: Options) -> (Engine, Scheduler) {
    let Options {
        node,
        directories,
        vault,
        keys,
        catalog,
        inspector,
        jobs,
        playbooks,
        keep,
        proxmox,
        platforms,
        ranges,
    } = options;
    let (name, keys): (Arc<str>, _) = (node.name.as_str().into(), Arc::new(keys));
    let (changes, counters) = (Changes::default(), Arc::<Counters>::default());
    let transitions = Transitions::new(store.clone(), changes.clone());
    let queue = Queue::new(store.clone(), Slots::new(node.max_concurrent));
    let readiness = Readiness::new(store.clone());
    let catalog = Catalog::new(catalog);
    let inspections =
        Inspections::new(catalog.clone(), inspector, vault.clone(), directories.clone(), readiness.clone());
    let events = Events::new(store.clone(), changes.clone(), Arc::clone(&counters));
    let artifacts =
        Artifacts::new(store.clone(), directories.state.join("artifacts").into(), Arc::clone(&name));
    let running_plans = RunningPlans::default();
    let tend_every = ranges.check_interval;
    let controls = registry::controls(&catalog, &directories, &running_plans);
    let jobs = Jobs::new(
        jobs,
        (store.clone(), changes.clone(), transitions.clone()),
        queue.clone(),
        artifacts.clone(),
        Arc::clone(&keys),
        controls.clone(),
    );
    let snapshots = directories.state.join("snapshots");
    let (lease, drain) = (node.lease, node.drain);
    let executions = registry::executions(Parts {
        store: store.clone(),
        changes: changes.clone(),
        counters: Arc::clone(&counters),
        queue: queue.clone(),
        jobs: jobs.clone(),
        platforms: platforms.clone(),
        running_plans,
        ranges,
        catalog: catalog.clone(),
        artifacts: artifacts.clone(),
        keys: Arc::clone(&keys),
        node,
        directories,
        vault: vault.clone(),
        playbooks,
    });
    let running = SharedComponents {
        store: store.clone(),
        changes,
        queue: queue.clone(),
        leases: Leases::new(store.clone(), Arc::clone(&name), lease),
        held: HeldRuns::default(),
        jobs: jobs.clone(),
        artifacts: artifacts.clone(),
        controls,
        worker: Worker::new(jobs.clone(), transitions, executions.clone()),
        executions,
    };
    let mut tasks = Driver::default();
    let recorder = tasks.recorder(Recorder::new(scheduler::ABOUT, scheduler::POLL_EVERY));
    running.register_leases(&mut tasks);
    running.register_housekeeping(&mut tasks, keep, snapshots);
    let ranges = Ranges::new(store.clone(), jobs.clone(), platforms, keys);
    let tend = TendRanges { store: store.clone(), ranges: ranges.clone() };
    tasks.register(tend, Schedule::from_start(tend_every));
    let background = tasks.background();
    let engine = Engine::new(Handles {
        node: name,
        artifacts,
        catalog: catalog.clone(),
        machines: Machines::new(proxmox, catalog, jobs.clone(), vault),
        metrics: Metrics::new(store.clone(), counters, queue.clone(), background.clone()),
        background,
        progress: Progress::new(store.clone(), events.clone(), inspections.clone()),
        ranges,
        resume: Resume::new(store.clone(), jobs.clone(), events.clone(), inspections.clone()),
        events,
        inspections,
        jobs,
        queue,
        readiness: readiness.clone(),
        tokens: Tokens::new(store),
    });
    (engine, running.scheduler(tasks, recorder, readiness, drain))
}

impl SharedComponents {
    /// Registers the tasks that renew the leases of this node and take over expired leases.
    fn register_leases(&self, tasks: &mut Driver) {
        let every = Schedule::every(self.leases.renewal_period());
        let Self { store, leases, held, controls, .. } = self;
        let (store, leases, held, controls) =
            (|| store.clone(), || leases.clone(), || held.clone(), || controls.clone());
        let renew = RenewLeases { store: store(), leases: leases(), held: held(), controls: controls() };
        tasks.register(renew, every);
        let relay = RelayCancellations {
            store: store(),
            leases: leases(),
            held: held(),
            controls: controls(),
            jobs: self.jobs.clone(),
        };
        let cancellations = tasks.register(relay, Schedule { min_gap: RELAY_GAP, ..every });
        let take_over = TakeOverJobs {
            store: store(),
            leases: leases(),
            held: held(),
            slots: self.queue.slots().clone(),
            executions: self.executions.clone(),
            worker: self.worker.clone(),
        };
        tasks.register(take_over, every);
        if self.store.backend() == Backend::Postgres {
            let listen = ListenForChanges {
                store: store(),
                changes: self.changes.clone(),
                held: held(),
                queue: self.queue.clone(),
                cancellations,
            };
            tasks.register(listen, Schedule::from_start(LISTEN_RETRY));
        }
    }

    /// Registers the tasks that requeue missed retries and apply the retention limits.
    fn register_housekeeping(&self, tasks: &mut Driver, keep: Keep, snapshots: std::path::PathBuf) {
        let (every, store) = (Schedule::from_start(HOUSEKEEPING), || self.store.clone());
        tasks.register(RequeueRetries { store: store(), jobs: self.jobs.clone() }, every);
        tasks.register(PruneHistory::new(store(), self.artifacts.clone(), keep), every);
        tasks.register(PruneAudit::new(store(), keep), every);
        tasks.register(PruneFiles::new(self.artifacts.clone(), snapshots, keep), every);
    }

    fn scheduler(
        self,
        tasks: Driver,
        recorder: Arc<Recorder>,
        readiness: Readiness,
        drain: Duration,
    ) -> Scheduler {
        let recovery = Recovery {
            store: self.store.clone(),
            leases: self.leases.clone(),
            held: self.held.clone(),
            slots: self.queue.slots().clone(),
            controls: self.controls,
            executions: self.executions,
            worker: self.worker.clone(),
        };
        Scheduler::new(SchedulerParts {
            store: self.store,
            changes: self.changes,
            queue: self.queue,
            leases: self.leases,
            held: self.held,
            worker: self.worker,
            recovery,
            readiness,
            tasks,
            recorder,
            drain,
        })
    }
}
