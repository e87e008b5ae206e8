//! Takes over jobs whose lease has expired, and decides how they continue. Only one node at a time does so for a
//! job.

use model::Job;
use store::Store;

use super::{
    error::{Items, TaskError},
    task::{About, Task},
};
use crate::{
    held::HeldRuns,
    leases::Leases,
    slots::Slots,
    work::{
        claimed::{Claimed, Origin},
        contract::{Executions, Takeover},
        worker::Worker,
    },
};

/// Maximum number of expired leases per activation.
const EXPIRED: u32 = 100;

/// Takes over jobs.
#[derive(Debug, Clone)]
pub(crate) struct TakeOverJobs {
    pub(crate) store: Store,
    pub(crate) leases: Leases,
    pub(crate) held: HeldRuns,
    pub(crate) slots: Slots,
    pub(crate) executions: Executions,
    pub(crate) worker: Worker,
}

impl TakeOverJobs {
    /// Takes a job over; returns `None` when another node was faster. The returned job still has the name of the
    /// previous node.
    async fn take_over(&self, job: &Job) -> Result<Option<Job>, store::Error> {
        let (now, until) = self.leases.begin().await?;
        match self.store.take_over(job.id, job.fence, self.leases.node(), now, until).await {
            Ok(mine) => Ok(Some(Job { node: job.node.clone(), ..mine })),
            // The holder renewed its lease, or another node took the job over first.
            Err(store::Error::Stale { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Continues a job that was taken over if it belonged to this node; otherwise its kind of work decides.
    async fn continue_or_end(self, job: Job) {
        let is_own = job.node.as_deref() == Some(self.leases.node());
        let takeover = match is_own {
            true => Takeover::Continue,
            false => self.executions.of(job.request.work.kind()).holder_has_exited(&job),
        };
        match takeover {
            Takeover::Continue => self.carry_through(job, is_own).await,
            Takeover::End(outcome) => {
                if let Err(error) = self.worker.record_end(&job, &outcome).await {
                    tracing::error!(job.id = %job.id, %error, "the end of the job cannot be recorded");
                }
            }
        }
    }

    async fn carry_through(&self, job: Job, is_own: bool) {
        let Some(run) = job.run else { return };
        let hold = self.held.hold(&job, run);
        // The lease of a job of this node usually expires because the store never confirmed the claim.
        let origin = match is_own {
            true if self.held.take_unsure(run) => Origin::Unanswered,
            true => Origin::Started,
            false => Origin::Recovered,
        };
        let slot = self.slots.take_if_free();
        self.worker.carry_through(Claimed { job, run, origin, slot, _hold: hold }).await;
    }
}

impl Task for TakeOverJobs {
    const ABOUT: About = About {
        name: "take_over_jobs",
        summary: "Takes over jobs whose lease has expired, because their node has stopped",
    };

    async fn activate(&self) -> Result<u64, TaskError> {
        let (now, _) = self.leases.begin().await?;
        let mut items = Items::default();
        for job in self.store.expired(now, EXPIRED).await? {
            if job.run.is_some_and(|run| self.held.has(run)) {
                continue;
            }
            match self.take_over(&job).await {
                Ok(Some(job)) => {
                    // This can take as long as the work itself, and the next activation must not wait for it.
                    tokio::spawn(self.clone().continue_or_end(job));
                    items.done();
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(job.id = %job.id, %error, "the job cannot be taken over; trying again");
                    items.failed(&error);
                }
            }
        }
        items.result()
    }
}
