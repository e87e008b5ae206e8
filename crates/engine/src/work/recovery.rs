//! Recovers the runs of the previous service.
//!
//! Jobs that this node still holds are followed again. A run whose job this node no longer holds is stopped: the
//! node was away for longer than its lease, and another node has marked the job as lost in the meantime.

use std::{collections::HashSet, time::Duration};

use model::{Job, JobState, RunId, WorkKind};
use store::Store;
use tokio::task::JoinSet;

use super::{
    claimed::{Claimed, Origin},
    contract::{Controls, Executions},
    worker::Worker,
};
use crate::{held::HeldRuns, leases::Leases, slots::Slots};

/// Delay before a failed store operation is retried.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Recovers the runs of the previous service.
#[derive(Debug)]
pub(crate) struct Recovery {
    pub(crate) store: Store,
    pub(crate) leases: Leases,
    pub(crate) held: HeldRuns,
    pub(crate) slots: Slots,
    pub(crate) controls: Controls,
    pub(crate) executions: Executions,
    pub(crate) worker: Worker,
}

impl Recovery {
    /// Hands every active job to a worker. Its supervisor may be running, may have ended in the meantime, or may be
    /// gone; following the run determines which.
    pub(crate) async fn run(&self, workers: &mut JoinSet<()>) {
        let unfinished = self.unfinished().await;
        let needed = unfinished.iter().filter_map(|job| job.run).collect();
        for (kind, run) in self.sweep(&needed).await {
            tracing::warn!(run.id = %run, "the job of this run belongs to another node; ending it");
            self.spawn_abandon(workers, kind, run);
        }
        for job in unfinished {
            let Some(run) = job.run else { continue };
            let kind = job.request.work.kind();
            let Some(job) = self.take_back(job).await else {
                self.spawn_abandon(workers, kind, run);
                continue;
            };
            tracing::info!(job.id = %job.id, "taking up a run of the service before this one");
            if job.state == JobState::Canceling {
                self.controls.of(kind).ask_to_stop(run);
            }
            // The job takes a slot if one is free, but does not wait for one, because it is already running.
            let (slot, hold) = (self.slots.take_if_free(), self.held.hold(&job, run));
            let worker = self.worker.clone();
            let claimed = Claimed { job, run, origin: Origin::Recovered, slot, _hold: hold };
            workers.spawn(async move { worker.carry_through(claimed).await });
        }
    }

    /// Removes the leftovers of previous processes, except for the `needed` attempts. Returns other attempts that
    /// are still running.
    async fn sweep(&self, needed: &HashSet<RunId>) -> Vec<(WorkKind, RunId)> {
        let mut running = Vec::new();
        for (kind, execution) in self.executions.all() {
            let runs = execution.sweep(needed.clone()).await;
            running.extend(runs.into_iter().map(|run| (kind, run)));
        }
        running
    }

    fn spawn_abandon(&self, workers: &mut JoinSet<()>, kind: WorkKind, run: RunId) {
        let executions = self.executions.clone();
        workers.spawn(async move { executions.of(kind).abandon(run).await });
    }

    /// Takes a job of this node under a new claim, so that later writes of a previous process are rejected.
    async fn take_back(&self, job: Job) -> Option<Job> {
        let node = self.leases.node();
        loop {
            let taken = match self.leases.begin().await {
                Ok((now, until)) => self.store.take_over(job.id, job.fence, node, now, until).await,
                Err(error) => Err(error),
            };
            match taken {
                Ok(job) => return Some(job),
                // Another node was faster, and the job is lost.
                Err(store::Error::Stale { .. }) => return None,
                Err(error) => {
                    tracing::warn!(job.id = %job.id, %error, "the job cannot be recovered; trying again")
                }
            }
            tokio::time::sleep(RETRY_AFTER).await;
        }
    }

    async fn unfinished(&self) -> Vec<Job> {
        loop {
            match self.store.unfinished_jobs(self.leases.node()).await {
                Ok(jobs) => return jobs,
                Err(error) => tracing::warn!(%error, "unfinished jobs cannot be read; trying again"),
            }
            tokio::time::sleep(RETRY_AFTER).await;
        }
    }
}
