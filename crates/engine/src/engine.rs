//! The handles of a node, one per kind of object.

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
    ranges::handle::Ranges,
    readiness::Readiness,
    resume::handle::Resume,
    tokens::Tokens,
};

/// The entry point for HTTP and the command line; clones are cheap and share all state.
#[derive(Debug, Clone)]
pub struct Engine(Arc<Handles>);

/// The handles of an engine.
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
    pub(crate) ranges: Ranges,
    pub(crate) readiness: Readiness,
    pub(crate) resume: Resume,
    pub(crate) tokens: Tokens,
}

impl Engine {
    pub(crate) fn new(handles: Handles) -> Self {
        Self(Arc::new(handles))
    }

    /// The name of this node, unique among the nodes that share the store.
    #[must_use]
    pub fn node(&self) -> &str {
        &self.0.node
    }

    /// The artifacts of jobs.
    #[must_use]
    pub fn artifacts(&self) -> &Artifacts {
        &self.0.artifacts
    }

    /// The status of background tasks.
    #[must_use]
    pub fn background(&self) -> &Background {
        &self.0.background
    }

    /// Lists and finds content.
    #[must_use]
    pub fn catalog(&self) -> &Catalog {
        &self.0.catalog
    }

    /// Events and logs of jobs.
    #[must_use]
    pub fn events(&self) -> &Events {
        &self.0.events
    }

    /// Inspects content.
    #[must_use]
    pub fn inspections(&self) -> &Inspections {
        &self.0.inspections
    }

    /// Jobs: submit, read, cancel, retry, delete.
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

    /// The progress of jobs.
    #[must_use]
    pub fn progress(&self) -> &Progress {
        &self.0.progress
    }

    /// Running and queued jobs, with the reasons why jobs wait.
    #[must_use]
    pub fn queue(&self) -> &Queue {
        &self.0.queue
    }

    /// Ranges: create, change, destroy, read.
    #[must_use]
    pub fn ranges(&self) -> &Ranges {
        &self.0.ranges
    }

    /// Whether the service is ready.
    #[must_use]
    pub fn readiness(&self) -> &Readiness {
        &self.0.readiness
    }

    /// Resumes failed jobs from the failed task.
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
