//! Taking up the runs of the service before this one.

use std::time::Duration;

use model::{Job, JobState, RunId};
use tokio::task::JoinSet;

use crate::Engine;

/// How long to wait before the store is asked again when it did not answer.
const ASK_AGAIN: Duration = Duration::from_secs(1);

impl Engine {
    /// Gives every job that is not waiting and has not ended to a worker: its supervisor may still be at work,
    /// may have ended meanwhile, or may be gone; following the run tells which.
    pub(crate) async fn recover(&self, workers: &mut JoinSet<()>) {
        let unfinished = self.unfinished().await;
        self.sweep(unfinished.iter().filter_map(|job| job.run).collect()).await;
        for job in unfinished {
            let Some(run) = job.run else { continue };
            let Some(job) = self.take_back(job).await else { continue };
            tracing::info!(job.id = %job.id, "taking up a run of the service before this one");
            if job.state == JobState::Canceling {
                self.ask_to_stop(run);
            }
            // A recovered run takes a place like any other, but does not wait for one: it is at work already.
            let place = self.inner.places.clone().try_acquire_owned().ok();
            let engine = self.clone();
            workers.spawn(async move {
                engine.follow_through(job, run).await;
                drop(place);
            });
        }
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

    /// Asks the supervisor of a run to end it. Before the run has its directory nobody can be asked; whoever
    /// makes the directory looks at the job's state afterwards.
    pub(crate) fn ask_to_stop(&self, run: RunId) {
        if let Err(error) = self.run_directory(run).ask_to_stop() {
            tracing::debug!(run.id = %run, %error, "the run could not be asked to stop yet");
        }
    }
}
