//! Claims jobs while there are free slots.

use std::{mem, ops::ControlFlow, sync::Arc, time::Duration};

use model::{Code, Job, JobState, Reason};
use store::Store;
use tokio::{sync::RwLock, task::JoinSet, time::timeout};

use crate::{
    background::{
        driver::Driver,
        status::{Cause, Recorder},
        task::About,
    },
    changes::Changes,
    clock,
    held::HeldRuns,
    leases::Leases,
    queue::Queue,
    readiness::Readiness,
    shutdown::Shutdown,
    slots::Slot,
    transitions::state_event,
    work::{
        claimed::{Claimed, Origin},
        recovery::Recovery,
        worker::{Beginning, Worker},
    },
};

/// How long a lost nudge can delay a queued job.
pub(crate) const POLL_EVERY: Duration = Duration::from_secs(1);

/// Status of this loop among the background tasks; an activation is one claim.
pub(crate) const ABOUT: About =
    About { name: "claim_jobs", summary: "Claims the next job of the queue, while this node has free slots" };

/// Claims jobs and hands each to a worker. There is one scheduler per node.
#[derive(Debug)]
pub struct Scheduler {
    parts: SchedulerParts,
    workers: JoinSet<()>,
    /// Read-locked while a job is claimed and its run is started.
    starting: Arc<RwLock<()>>,
    /// The cause of the last activation.
    cause: Cause,
}

/// The components of a scheduler.
#[derive(Debug)]
pub(crate) struct SchedulerParts {
    pub(crate) store: Store,
    pub(crate) changes: Changes,
    pub(crate) queue: Queue,
    pub(crate) leases: Leases,
    pub(crate) held: HeldRuns,
    pub(crate) worker: Worker,
    pub(crate) recovery: Recovery,
    pub(crate) readiness: Readiness,
    /// The other background tasks.
    pub(crate) tasks: Driver,
    /// Records the claims.
    pub(crate) recorder: Arc<Recorder>,
    /// How long the service waits for runs when it stops.
    pub(crate) drain: Duration,
}

impl Scheduler {
    pub(crate) fn new(parts: SchedulerParts) -> Self {
        Self { parts, workers: JoinSet::new(), starting: Arc::default(), cause: Cause::Start }
    }

    /// Recovers the runs of the previous service, starts the background tasks, and claims jobs until a shutdown is
    /// requested.
    ///
    /// Running jobs then continue: their supervisors do not depend on this process, and the next service recovers
    /// them.
    pub async fn run(mut self, mut shutdown: Shutdown) {
        tokio::select! {
            () = self.parts.recovery.run(&mut self.workers) => {}
            // Recovery takes time only if the store does not respond.
            () = shutdown.requested() => return,
        }
        self.parts.readiness.set_recovered();
        // The background tasks are aborted when this function returns.
        let _tasks = mem::take(&mut self.parts.tasks).start();
        while self.turn(&mut shutdown).await.is_continue() {
            while let Some(ended) = self.workers.try_join_next() {
                if let Err(error) = ended {
                    tracing::error!(%error, "a worker failed");
                }
            }
        }
        // A job that was claimed but whose run has not started would be lost.
        drop(self.starting.write().await);
        self.drain().await;
        let left = self.workers.len();
        if left > 0 {
            tracing::info!(runs = left, "runs are left to their supervisors");
        }
    }

    /// Waits for running jobs, at most as long as the drain setting allows.
    async fn drain(&mut self) {
        let at_most = self.parts.drain;
        if !at_most.is_zero() && !self.workers.is_empty() {
            tracing::info!(runs = self.workers.len(), "waiting for runs to end");
            let all = async { while self.workers.join_next().await.is_some() {} };
            // An error means that the time is up. The remaining runs are left to their supervisors.
            let _ = timeout(at_most, all).await;
        }
    }

    /// Waits for a free slot, then for a job. A shutdown interrupts only the waiting: a claim is completed, and so
    /// is the start of its run.
    async fn turn(&mut self, shutdown: &mut Shutdown) -> ControlFlow<()> {
        let slot = tokio::select! {
            biased;
            () = shutdown.requested() => return ControlFlow::Break(()),
            slot = self.parts.queue.slots().take() => slot,
        };
        let beginning = self.starting.clone().read_owned().await;
        if let Some(job) = self.claim().await {
            self.start(job, slot, beginning);
            return ControlFlow::Continue(());
        }
        drop((slot, beginning));
        let nudged = timeout(POLL_EVERY, self.parts.queue.nudged());
        self.cause = tokio::select! {
            () = shutdown.requested() => return ControlFlow::Break(()),
            nudged = nudged => if nudged.is_ok() { Cause::Nudge } else { Cause::Timer },
        };
        ControlFlow::Continue(())
    }

    /// Claims the next job, and records the activation.
    async fn claim(&mut self) -> Option<Job> {
        let started = self.parts.recorder.begin(self.cause);
        let claimed = self.claim_next().await;
        let result = claimed.as_ref().map(|job| u64::from(job.is_some()));
        self.parts.recorder.end(&started, result.map_err(ToString::to_string));
        claimed.unwrap_or_else(|error| {
            tracing::warn!(%error, "the queue cannot be read; trying again");
            None
        })
    }

    async fn claim_next(&mut self) -> Result<Option<Job>, store::Error> {
        let run = clock::new_run_id();
        let (now, lease_until) = self.parts.leases.begin().await?;
        let reason = Reason::new(None, Code::Running, "a run is active");
        let event = state_event(Some(JobState::Queued), JobState::Running, &reason, now);
        let (node, reason, event) = (self.parts.leases.node(), &reason, &event);
        let claim = store::Claim { run, node, now, lease_until, reason, event };
        self.parts.held.set_claiming(Some(run));
        let claimed = self.parts.store.claim_next(&claim).await;
        if claimed.is_err() {
            self.parts.held.add_unsure(run);
            self.parts.held.set_claiming(None);
        }
        claimed
    }

    fn start(&mut self, job: Job, slot: Slot, beginning: Beginning) {
        let worker = self.parts.worker.clone();
        self.parts.changes.publish(job.id);
        let Some(run) = job.run else { return };
        // Hold the run before the claim is cleared, so that the run is always known.
        let hold = self.parts.held.hold(&job, run);
        self.parts.held.set_claiming(None);
        let claimed = Claimed { job, run, origin: Origin::Started, slot, _hold: hold };
        self.workers.spawn(async move { worker.work_on(claimed, beginning).await });
    }
}
