//! The loop that claims jobs while there are free slots.

use std::{ops::ControlFlow, time::Duration};

use model::{Code, Job, JobState, Reason};
use tokio::{task::JoinSet, time::timeout};

use crate::{
    Engine, Shutdown,
    claimed::{Claimed, Origin},
    clock,
    moves::state_event,
    slots::Slot,
    worker::Beginning,
};

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
            () = self.engine.recover(&mut self.workers) => {}
            // Only when the store does not answer does this take time.
            () = shutdown.requested() => return,
        }
        self.engine.inner.recovered.send_replace(true);
        let mut chores = JoinSet::new();
        chores.spawn(self.engine.clone().beat());
        chores.spawn(self.engine.clone().heed());
        chores.spawn(self.engine.clone().expire());
        chores.spawn(self.engine.clone().retry_forgotten());
        chores.spawn(self.engine.clone().retain());
        chores.spawn(self.engine.clone().hear());
        while self.turn(&mut shutdown).await.is_continue() {
            while let Some(ended) = self.workers.try_join_next() {
                if let Err(error) = ended {
                    tracing::error!(%error, "a worker failed");
                }
            }
        }
        // A claimed job whose run is not begun yet would be lost.
        drop(self.engine.inner.starting.write().await);
        self.drain().await;
        let left = self.workers.len();
        if left > 0 {
            tracing::info!(runs = left, "runs are left to their supervisors");
        }
    }

    /// Waits for the runs at work, as far as a setting says so.
    async fn drain(&mut self) {
        let at_most = self.engine.options().drain.at_most;
        if !at_most.is_zero() && !self.workers.is_empty() {
            tracing::info!(runs = self.workers.len(), "waiting for runs to end");
            let all = async { while self.workers.join_next().await.is_some() {} };
            // An error here is the limit: the rest is left to its supervisors.
            let _ = timeout(at_most, all).await;
        }
    }

    /// Waits for a free slot, then for a job. Only the waiting is given up when the service ends: a claim is
    /// carried through, and so is the start of its run.
    async fn turn(&mut self, shutdown: &mut Shutdown) -> ControlFlow<()> {
        let slot = tokio::select! {
            biased;
            () = shutdown.requested() => return ControlFlow::Break(()),
            slot = self.engine.inner.slots.take() => slot,
        };
        let beginning = self.engine.inner.starting.clone().read_owned().await;
        if let Some(job) = self.claim().await {
            self.start(job, slot, beginning);
            return ControlFlow::Continue(());
        }
        drop((slot, beginning));
        tokio::select! {
            () = shutdown.requested() => return ControlFlow::Break(()),
            // An error here is the timer: look again.
            _ = timeout(LOOK_AGAIN, self.engine.inner.queued.notified()) => {}
        }
        ControlFlow::Continue(())
    }

    async fn claim(&self) -> Option<Job> {
        let run = clock::new_run_id();
        let (now, lease_until) = match self.engine.lease().await {
            Ok(lease) => lease,
            Err(error) => {
                tracing::warn!(%error, "the queue cannot be read; trying again");
                return None;
            }
        };
        let reason = Reason::new(None, Code::Running, "a run is active");
        let event = state_event(Some(JobState::Queued), JobState::Running, &reason, now);
        let (node, reason, event) = (&self.engine.options().node, &reason, &event);
        let claim = store::Claim { run, node, now, lease_until, reason, event };
        self.engine.inner.held.claims(Some(run));
        match self.engine.store().claim_next(&claim).await {
            Ok(job) => job,
            Err(error) => {
                tracing::warn!(%error, "the queue cannot be read; trying again");
                self.engine.inner.held.is_unsure_of(run);
                self.engine.inner.held.claims(None);
                None
            }
        }
    }

    fn start(&mut self, job: Job, slot: Slot, beginning: Beginning) {
        let engine = self.engine.clone();
        engine.inner.live.tell(job.id);
        let Some(run) = job.run else { return };
        // Before the claim counts as made.
        let hold = engine.hold(&job, run);
        engine.inner.held.claims(None);
        let claimed = Claimed { job, run, origin: Origin::Started, slot, _hold: hold };
        self.workers.spawn(async move { engine.work_on(claimed, beginning).await });
    }
}
