//! The handles of a node, by noun.

use std::sync::Arc;

use crate::{
    artifacts::Artifacts,
    background::status::Background,
    catalog::{handle::Catalog, inspections::Inspections},
    events::handle::Events,
    jobs::handle::Jobs,
    machines::handle::Machines,
    metrics::Metrics,
    progress::Progress,
    queue::Queue,
    readiness::Readiness,
    resume::handle::Resume,
    tokens::Tokens,
};

/// What HTTP and the command line use; clones are cheap and share everything.
#[derive(Debug, Clone)]
pub struct Engine(Arc<Handles>);

/// One handle per noun.
#[derive(Debug)]
pub(crate) struct Handles {
    pub(crate) node: Arc<str>,
    pub(crate) artifacts: Artifacts,
    pub(crate) background: Background,
    pub(crate) catalog: Catalog,
    pub(crate) events: Events,
    pub(crate) inspections: Inspections,
    pub(crate) jobs: Jobs,
    pub(crate) machines: Machines,
    pub(crate) metrics: Metrics,
    pub(crate) progress: Progress,
    pub(crate) queue: Queue,
    pub(crate) readiness: Readiness,
    pub(crate) resume: Resume,
    pub(crate) tokens: Tokens,
}

impl Engine {
    pub(crate) fn new(handles: Handles) -> Self {
        Self(Arc::new(handles))
    }

    /// The name of this node among those that share the store.
    #[must_use]
    pub fn node(&self) -> &str {
        &self.0.node
    }

    /// Files that jobs left.
    #[must_use]
    pub fn artifacts(&self) -> &Artifacts {
        &self.0.artifacts
    }

    /// What background tasks do.
    #[must_use]
    pub fn background(&self) -> &Background {
        &self.0.background
    }

    /// Lists and finds content.
    #[must_use]
    pub fn catalog(&self) -> &Catalog {
        &self.0.catalog
    }

    /// Events of jobs, and their logs.
    #[must_use]
    pub fn events(&self) -> &Events {
        &self.0.events
    }

    /// Inspects content.
    #[must_use]
    pub fn inspections(&self) -> &Inspections {
        &self.0.inspections
    }

    /// Jobs: submitted, read, canceled, retried, deleted.
    #[must_use]
    pub fn jobs(&self) -> &Jobs {
        &self.0.jobs
    }

    /// Machines of platforms.
    #[must_use]
    pub fn machines(&self) -> &Machines {
        &self.0.machines
    }

    /// Metrics of this process.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// How far jobs have come.
    #[must_use]
    pub fn progress(&self) -> &Progress {
        &self.0.progress
    }

    /// What runs, what waits, and why.
    #[must_use]
    pub fn queue(&self) -> &Queue {
        &self.0.queue
    }

    /// Whether the service can work.
    #[must_use]
    pub fn readiness(&self) -> &Readiness {
        &self.0.readiness
    }

    /// Resumes jobs from where they failed.
    #[must_use]
    pub fn resume(&self) -> &Resume {
        &self.0.resume
    }

    /// API tokens.
    #[must_use]
    pub fn tokens(&self) -> &Tokens {
        &self.0.tokens
    }
}
