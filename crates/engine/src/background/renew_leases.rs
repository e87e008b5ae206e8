//! Renews the leases of the runs that this node holds, and stops runs whose claim has ended.

use store::Store;

use super::{
    error::{Items, TaskError},
    task::{About, Task},
};
use crate::{
    held::{HeldRun, HeldRuns},
    leases::Leases,
    work::contract::Controls,
};

/// Renews leases.
#[derive(Debug)]
pub(crate) struct RenewLeases {
    pub(crate) store: Store,
    pub(crate) leases: Leases,
    pub(crate) held: HeldRuns,
    pub(crate) controls: Controls,
}

impl RenewLeases {
    async fn renew(&self, held: HeldRun) -> Result<(), store::Error> {
        let (_, until) = self.leases.begin().await?;
        match self.store.beat(held.job, held.fence, until).await {
            Err(store::Error::Stale { .. }) => self.stop_if_taken(held).await,
            renewed => renewed,
        }
    }

    /// A claim also ends when the job has just ended normally. The run is stopped only when another node took the
    /// job over.
    async fn stop_if_taken(&self, held: HeldRun) -> Result<(), store::Error> {
        let HeldRun { run, job, fence, kind } = held;
        match self.store.job(job).await? {
            Some(now) if now.fence == fence => {}
            _ if !self.held.has(run) => {}
            _ => {
                tracing::warn!(job.id = %job, run.id = %run, "the claim is over; ending the run");
                self.controls.of(kind).ask_to_stop(run);
            }
        }
        Ok(())
    }
}

impl Task for RenewLeases {
    const ABOUT: About =
        About { name: "renew_leases", summary: "Renews the leases of the runs of this node" };

    async fn activate(&self) -> Result<u64, TaskError> {
        let mut items = Items::default();
        for held in self.held.list() {
            match self.renew(held).await {
                Ok(()) => items.done(),
                Err(error) => {
                    tracing::warn!(job.id = %held.job, %error, "the lease could not be renewed");
                    items.failed(&error);
                }
            }
        }
        items.result()
    }
}
