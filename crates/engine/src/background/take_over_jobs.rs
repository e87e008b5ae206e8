//! Takes over jobs whose lease is over: what became of them is decided here, by one node at a time.

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

/// How many expired leases are processed at once.
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
    /// Takes a job over, unless another node was quicker; it still has the name of the node before.
    async fn take_over(&self, job: &Job) -> Result<Option<Job>, store::Error> {
        let (now, until) = self.leases.begin().await?;
        match self.store.take_over(job.id, job.fence, self.leases.node(), now, until).await {
            Ok(mine) => Ok(Some(Job { node: job.node.clone(), ..mine })),
            // The holder came back, or another node was quicker.
            Err(store::Error::Stale { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A job that was taken over: one of this node is continued, of another node's its kind of work decides.
    async fn continue_or_end(self, job: Job) {
        let is_own = job.node.as_deref() == Some(self.leases.node());
        let takeover = match is_own {
            true => Takeover::Continue,
            false => self.executions.of(job.request.work.kind()).holder_is_gone(&job),
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
        // Of its own jobs it finds here those of which it never learned that it has them.
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
        summary: "Takes over jobs whose lease has expired, because their node is gone",
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
                    // It may take as long as the work; the next activation must not wait for that.
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
