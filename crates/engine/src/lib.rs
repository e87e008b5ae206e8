//! Decides and drives: jobs, their queue, their workers.
//!
//! ```text
//!  submit --> store <--claim-- scheduler --> worker --launch--> supervisor (another process)
//!                ^                             |                    |
//!                '----- events, moves ---------'<----- spool -------'
//! ```
//! The store is the queue. A worker follows one run and keeps what it hears; it may vanish at any moment, and
//! recovery begins where it stopped, because the supervisor and its spool do not need us. This floor knows no
//! status codes, no command line and no environment.

mod artifacts;
mod audit;
mod cancel;
mod catalog;
mod children;
mod claimed;
mod clock;
mod counters;
mod following;
mod held;
mod inspections;
mod jobs;
mod keyring;
mod known_inventories;
mod last_run;
mod leases;
mod live;
mod logs;
mod moves;
mod options;
mod plan_journal;
mod progress;
mod projects;
mod proxmox;
mod queue;
mod reads;
mod recovery;
mod resume;
mod retention;
mod retry;
mod scheduler;
mod shutdown;
mod slots;
mod task_list;
mod tokens;
mod vm_watch;
mod warnings;
mod work;
mod worker;

use std::{sync::Arc, time::Duration};

use store::Store;
use tokio::{
    sync::{Notify, RwLock, watch},
    time::timeout,
};

pub use artifacts::JobArtifacts;
pub use audit::{Audit, AuditError, AuditWriter, Auditor, auditor};
pub use catalog::Listed;
pub use counters::{Figures, WatcherKind, Watching};
pub use following::{Following, FollowingAll, Next, Placed};
pub use inspections::OnBehalf;
pub use jobs::{Error, Submitted, Submitter};
pub use keyring::{Key, KeyError, KeyUse, Keyring, Rotation};
pub use logs::{LogQuery, LogReader, NextText, colored, plain_lines};
pub use options::{DrainOptions, IsolationOptions, Options};
pub use plan_journal::PlanJournal;
pub use progress::{Basis, JobProgress};
pub use projects::Project;
pub use proxmox::{ProxmoxError, ProxmoxOptions};
pub use queue::{Capacity, Queue};
pub use reads::DirectReads;
pub use resume::{PlayTasks, ResumeError, ResumePlan};
pub use retention::Keep;
pub use scheduler::Scheduler;
pub use shutdown::{Shutdown, Trigger, shutdown};
pub use slots::{Slot, Slots};
pub use store::{
    AuditHead, AuditQuery, Blocker, Chain, EventQuery, JobQuery, OwnerLock, QueueEntry, QueueLimits,
    RunningJob, Waiting,
};
pub use tokens::{TokenError, Tokens, token_id, token_matches};
pub use vm_watch::VmWatching;
pub use warnings::ShownWarning;

/// What HTTP and the command line talk to; clones are cheap and share everything.
#[derive(Debug, Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Store,
    options: Options,
    live: live::Live,
    counters: Arc<counters::Counters>,
    /// Whether the runs of the service before were recovered: no job is claimed until then.
    recovered: watch::Sender<bool>,
    /// Says that there may be something to claim.
    queued: Notify,
    /// One for each run that may be at work at once.
    slots: Slots,
    /// Read-locked while a job is claimed and its run begun.
    starting: Arc<RwLock<()>>,
    /// The runs that this node follows.
    held: held::Held,
    /// Looking into content starts Ansible, too: so many at once.
    inspections: inspections::Turns,
    /// How many tasks jobs may have.
    guesses: progress::Guesses,
    /// How Proxmox is asked without Ansible.
    proxmox: proxmox::Proxmox,
    /// Secrets that inventories name.
    known_inventories: known_inventories::KnownInventories,
    /// Who looks at the machines of which node.
    pollers: vm_watch::Pollers,
}

impl Engine {
    /// An engine over a store; nothing runs before [`Scheduler::run`].
    #[must_use]
    pub fn new(store: Store, options: Options) -> Self {
        let slots = Slots::new(options.max_concurrent);
        let proxmox = proxmox::Proxmox::new(&options.proxmox);
        let inner = Inner {
            store,
            options,
            live: live::Live::default(),
            counters: Arc::default(),
            recovered: watch::Sender::new(false),
            queued: Notify::new(),
            slots,
            starting: Arc::default(),
            held: held::Held::default(),
            inspections: inspections::Turns::default(),
            guesses: progress::Guesses::default(),
            proxmox,
            known_inventories: known_inventories::KnownInventories::default(),
            pollers: vm_watch::Pollers::new(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// What the engine was told at its start.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.inner.options
    }

    /// Does the store answer?
    ///
    /// # Errors
    /// When it does not.
    pub async fn check_store(&self) -> Result<(), store::Error> {
        self.inner.store.ping().await
    }

    /// Whether jobs can begin, because runs of the service before were recovered; waits for that up to a limit.
    pub async fn is_recovered_within(&self, limit: Duration) -> bool {
        let mut recovered = self.inner.recovered.subscribe();
        let recovered = timeout(limit, recovered.wait_for(|recovered| *recovered)).await;
        // The sender is a part of the engine, so waiting itself never fails.
        matches!(recovered, Ok(Ok(_)))
    }

    fn store(&self) -> &Store {
        &self.inner.store
    }
}
