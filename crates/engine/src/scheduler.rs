//! The loop that takes jobs from the queue while there are free places.

use std::time::Duration;

use model::{Code, Job, JobState, Reason};
use tokio::{sync::OwnedSemaphorePermit, task::JoinSet, time::timeout};

use crate::{Engine, Shutdown, clock, moves::state_event};

/// How long a lost wake-up can leave a queued job waiting.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Claims jobs and gives each to a worker.
#[derive(Debug)]
pub struct Scheduler {
    engine: Engine,
    workers: JoinSet<()>,
}

impl Scheduler {
    /// For this engine; one scheduler per engine.
    #[must_use]
    pub fn new(engine: Engine) -> Self {
        Self { engine, workers: JoinSet::new() }
    }

    /// Takes up the runs of the service before this one, then claims jobs until the end is asked for.
    ///
    /// Runs that are at work then stay at work: their supervisors do not need us, and the next service takes
    /// them up again.
    pub async fn run(mut self, mut shutdown: Shutdown) {
        tokio::select! {
            () = self.work() => {}
            () = shutdown.requested() => {}
        }
        let left = self.workers.len();
        if left > 0 {
            tracing::info!(runs = left, "runs are left to their supervisors");
        }
    }

    async fn work(&mut self) {
        self.engine.recover(&mut self.workers).await;
        loop {
            while self.workers.try_join_next().is_some() {}
            // Never closed, so this fails only if somebody changes that.
            let Ok(place) = self.engine.inner.places.clone().acquire_owned().await else { return };
            match self.claim().await {
                Some(job) => self.start(job, place),
                None => {
                    drop(place);
                    // An error here is the timer: look again.
                    let _ = timeout(LOOK_AGAIN, self.engine.inner.queued.notified()).await;
                }
            }
        }
    }

    async fn claim(&self) -> Option<Job> {
        let (run, now) = (clock::new_run_id(), clock::now());
        let reason = Reason::new(None, Code::Running, "a run is at work");
        let event = state_event(Some(JobState::Queued), JobState::Running, &reason, now);
        match self.engine.store().claim_next(run, now, &reason, &event).await {
            Ok(job) => job,
            Err(error) => {
                tracing::warn!(%error, "the queue cannot be read; trying again");
                None
            }
        }
    }

    fn start(&mut self, job: Job, place: OwnedSemaphorePermit) {
        let engine = self.engine.clone();
        engine.inner.live.tell(job.id);
        self.workers.spawn(async move {
            engine.work_on(job).await;
            drop(place);
        });
    }
}
