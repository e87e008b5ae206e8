//! Taking up the runs of the service before this one.
//!
//! The jobs that are still this node's are followed again. A run that is at work for a job which is not, because this
//! node was away for longer than its lease, is ended: another node has called the job lost meanwhile.

use std::time::Duration;

use model::{Job, JobState, RunId};
use tokio::task::JoinSet;

use crate::{
    Engine,
    claimed::{Claimed, Origin},
    work::kind::Kind,
};

/// How long to wait before the store is asked again when it did not answer.
const ASK_AGAIN: Duration = Duration::from_secs(1);

impl Engine {
    /// Gives every job that is not waiting and has not ended to a worker: its supervisor may still be at work,
    /// may have ended meanwhile, or may be gone; following the run tells which.
    pub(crate) async fn recover(&self, workers: &mut JoinSet<()>) {
        let unfinished = self.unfinished().await;
        let needed = unfinished.iter().filter_map(|job| job.run).collect();
        for (kind, run) in self.sweep(needed).await {
            tracing::warn!(run.id = %run, "this node no longer holds the job of this run; terminating the run");
            self.spawn_abandon(workers, kind, run);
        }
        for job in unfinished {
            let Some(run) = job.run else { continue };
            let kind = Kind::of(&job.request.work);
            let Some(job) = self.take_back(job).await else {
                self.spawn_abandon(workers, kind, run);
                continue;
            };
            tracing::info!(job.id = %job.id, "taking up a run of the service before this one");
            if job.state == JobState::Canceling {
                self.ask_to_stop(kind, run);
            }
            // It takes a slot like any other, but does not wait for one: it is at work already.
            let (slot, hold) = (self.inner.slots.take_if_free(), self.hold(&job, run));
            let engine = self.clone();
            let claimed = Claimed { job, run, origin: Origin::Recovered, slot, _hold: hold };
            workers.spawn(async move { engine.carry_through(claimed).await });
        }
    }

    fn spawn_abandon(&self, workers: &mut JoinSet<()>, kind: Kind, run: RunId) {
        let engine = self.clone();
        workers.spawn(async move { engine.abandon(kind, run).await });
    }

    /// Takes a job that was ours under a new claim: what a part of us that is not quite dead writes is refused.
    async fn take_back(&self, job: Job) -> Option<Job> {
        let node = &self.options().node;
        loop {
            let taken = match self.lease().await {
                Ok((now, until)) => self.store().take_over(job.id, job.fence, node, now, until).await,
                Err(error) => Err(error),
            };
            match taken {
                Ok(job) => return Some(job),
                // Another node was quicker: the job is lost.
                Err(store::Error::Stale { .. }) => return None,
                Err(error) => {
                    tracing::warn!(job.id = %job.id, %error, "the job cannot be taken back; trying again")
                }
            }
            tokio::time::sleep(ASK_AGAIN).await;
        }
    }

    async fn unfinished(&self) -> Vec<Job> {
        loop {
            match self.store().unfinished_jobs(&self.options().node).await {
                Ok(jobs) => return jobs,
                Err(error) => tracing::warn!(%error, "unfinished jobs cannot be read; trying again"),
            }
            tokio::time::sleep(ASK_AGAIN).await;
        }
    }
}
