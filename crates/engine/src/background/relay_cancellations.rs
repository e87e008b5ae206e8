//! Stops runs of this node whose jobs were canceled.
//!
//! A job can be canceled on any node. The node that holds it reads the state of its jobs after a notification from
//! the store, and as often as it renews leases.

use store::Store;

use super::{
    error::{Items, TaskError},
    task::{About, Task},
};
use crate::{held::HeldRuns, jobs::handle::Jobs, leases::Leases, work::contract::Controls};

/// Relays cancellations to runs.
#[derive(Debug)]
pub(crate) struct RelayCancellations {
    pub(crate) store: Store,
    pub(crate) leases: Leases,
    pub(crate) held: HeldRuns,
    pub(crate) controls: Controls,
    pub(crate) jobs: Jobs,
}

impl Task for RelayCancellations {
    const ABOUT: About = About {
        name: "relay_cancellations",
        summary: "Stops runs of this node whose jobs were canceled at any node",
    };

    async fn activate(&self) -> Result<u64, TaskError> {
        if self.held.is_empty() {
            return Ok(0);
        }
        let mut items = Items::default();
        let runs = self.store.canceling(self.leases.node()).await?;
        for held in runs.into_iter().filter_map(|run| self.held.get(run)) {
            self.controls.of(held.kind).ask_to_stop(held.run);
            // The process that canceled the job may have been killed before it canceled the children.
            match self.jobs.cancel_children(held.job).await {
                Ok(()) => items.done(),
                Err(error) => {
                    tracing::warn!(job.id = %held.job, %error, "its children could not be canceled");
                    items.failed(&error);
                }
            }
        }
        items.result()
    }
}
