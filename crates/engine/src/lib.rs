//! The engine: jobs, their queue, and the workers that run them.
//!
//! ```text
//!  submit --> store <--claim-- scheduler --> worker --launch--> supervisor (another process)
//!                ^                             |                    |
//!                '----- events, transitions ---'<----- spool -------'
//! ```
//! The store is the queue. A worker follows one run and stores its events. It can stop at any moment, and recovery
//! continues where it stopped, because the supervisor and its spool do not depend on this process. This crate does
//! not handle status codes, the command line, or the environment.
//!
//! The files have an order, and each uses only files before it: errors and options; handles (`Jobs`, `Catalog`,
//! `Events`, and others); kinds of work (`work/`); background tasks (`background/`); `scheduler.rs`; and
//! `compose.rs`, which creates an [`Engine`] from them. Imports name the file that defines an item, never a
//! `mod.rs`.

mod artifacts;
mod audit;
mod background;
mod backoff;
mod canonical;
mod catalog;
mod changes;
mod clock;
mod compose;
mod counters;
mod engine;
mod error;
mod events;
mod held;
mod jobs;
mod keyring;
mod leases;
mod machines;
mod metrics;
mod nudge;
mod options;
mod plan_journal;
mod platforms;
mod progress;
mod queue;
mod ranges;
mod readiness;
mod resume;
mod scheduler;
mod shutdown;
mod slots;
mod task_list;
mod tokens;
mod transitions;
mod work;

pub use artifacts::{Artifacts, JobArtifacts};
pub use audit::{Audit, AuditError, AuditWriter, Auditor, auditor};
pub use background::{
    keep::Keep,
    status::{Activation, Background, Cause, TaskStatus},
};
pub use catalog::{
    handle::{Catalog, CatalogOptions, Listed},
    inspections::{Inspections, OnBehalf},
    project::Project,
};
pub use compose::{Options, compose};
pub use counters::{WatcherKind, Watching};
pub use engine::Engine;
pub use error::{CatalogError, JobError};
pub use events::{
    following::{Following, FollowingAll, Next},
    handle::{Events, Placed},
    log::{LogQuery, LogReader, NextText, colored, plain_lines},
    warnings::ShownWarning,
};
pub use jobs::{
    handle::{JobOptions, Jobs},
    submit::{Submitted, Submitter},
};
pub use keyring::{
    error::KeyError,
    file::Key,
    handle::Keyring,
    rotation::{KeyUse, Rotation},
};
pub use machines::{
    error::ProxmoxError,
    handle::Machines,
    options::{DirectReads, ProxmoxOptions},
    watch::VmWatching,
};
pub use metrics::{Figures, Metrics};
pub use options::{Directories, NodeOptions, Vault};
pub use plan_journal::PlanJournal;
pub use platforms::{PlatformEntry, Platforms, TaskMode};
pub use progress::{Basis, JobProgress, Progress};
pub use queue::{Capacity, Queue, QueueState};
pub use ranges::{
    bundled::{BUNDLED_PROJECT, WorkError},
    drift::{Comparison, Difference, DriftKind},
    error::RangeError,
    handle::{LastPlan, Ranges},
    request::{Applied, Preview, RangeAction, RangeRequest, StoredDocument},
    router::{remove_rules, set_rules},
    secrets::RangeSecrets,
    verify::{Verification, Verified},
};
pub use readiness::Readiness;
pub use resume::{
    handle::{Resume, ResumeError},
    plan::{PlayTasks, ResumePlan},
};
pub use scheduler::Scheduler;
pub use shutdown::{Shutdown, Trigger, shutdown};
pub use slots::{Slot, Slots};
pub use store::{
    AuditHead, AuditQuery, Blocker, Chain, Error as StoreError, EventQuery, JobQuery, OwnerLock, QueueEntry,
    QueueLimits, RunningJob, Waiting,
};
pub use tokens::{TokenError, Tokens, token_id, token_matches};
pub use work::{
    playbook::options::{IsolationOptions, PlaybookOptions},
    range::options::RangeOptions,
};
