//! Taking up the runs of the service before this one.

use std::{collections::HashSet, fs, time::Duration};

use ansible::workspace::Workspace;
use model::{Job, JobState, RunId};
use tokio::task::{JoinSet, spawn_blocking};

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
                engine.follow(job, run).await;
                drop(place);
            });
        }
    }

    /// Removes the files of runs whose end is recorded: a service may be killed after it recorded an end and
    /// before it removed them. Before the first claim, so whatever else is there is old.
    async fn sweep(&self, wanted: HashSet<RunId>) {
        let engine = self.clone();
        let swept = spawn_blocking(move || {
            let entries = fs::read_dir(&engine.options().runs).into_iter().flatten().flatten();
            let runs = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
            for run in runs.filter(|run| !wanted.contains(run)) {
                engine.forget(run);
            }
        });
        if let Err(error) = swept.await {
            tracing::error!(%error, "what ended runs left behind was not removed");
        }
    }

    fn forget(&self, run: RunId) {
        let directory = self.run_directory(run);
        if directory.is_held() {
            return;
        }
        tracing::info!(run.id = %run, "removing what an ended run left behind");
        let workspace = Workspace::new(directory.private(), &self.options().runtime, &run.short());
        if let Err(error) = workspace.remove().and(directory.remove()) {
            tracing::error!(run.id = %run, %error, "the directory of the run cannot be removed");
        }
    }

    async fn unfinished(&self) -> Vec<Job> {
        loop {
            match self.store().unfinished_jobs().await {
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
