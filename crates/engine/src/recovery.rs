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

    async fn unfinished(&self) -> Vec<Job> {
        loop {
            match self.store().unfinished_jobs(crate::NODE).await {
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
