//! The worker of a claimed job, whatever its kind of work: begins it, carries it to its end, records how it ended.
//!
//! What is done in between is that of the kind of work, see `contract.rs`.

use std::sync::Arc;

use model::{Ending, Job, Outcome, job_state::Move};
use tokio::sync::OwnedRwLockReadGuard;

use super::{
    claimed::Claimed,
    contract::{Execution, Executions, Finished},
};
use crate::{backoff::Backoff, clock, error::JobError, jobs::handle::Jobs, transitions::Transitions};

/// Held from before a job is claimed until its work goes on without this process, or can be taken over: meanwhile the
/// service must not end.
pub(crate) type Beginning = OwnedRwLockReadGuard<()>;

/// Works on claimed jobs; clones are cheap.
#[derive(Debug, Clone)]
pub(crate) struct Worker {
    jobs: Jobs,
    transitions: Transitions,
    executions: Executions,
}

impl Worker {
    pub(crate) const fn new(jobs: Jobs, transitions: Transitions, executions: Executions) -> Self {
        Self { jobs, transitions, executions }
    }

    /// What executes the work on a claimed job.
    fn execution(&self, claimed: &Claimed) -> &dyn Execution {
        self.executions.of(claimed.kind())
    }

    /// Works on a job that was just claimed.
    pub(crate) async fn work_on(&self, claimed: Claimed, beginning: Beginning) {
        let begun = self.execution(&claimed).begin(&claimed).await;
        drop(beginning);
        match begun {
            Ok(()) => self.carry_through(claimed).await,
            Err(reason) => {
                let detail = claimed.job.request.work.empty_detail();
                let outcome = Outcome::not_begun(Ending::Failed, *reason, clock::now(), detail);
                self.finish(&claimed, outcome).await;
            }
        }
    }

    /// Carries work to its end, also when that fails unexpectedly: the work itself is not touched
    /// by that.
    pub(crate) async fn carry_through(&self, claimed: Claimed) {
        let claimed = Arc::new(claimed);
        let mut backoff = Backoff::new(claimed.job.id);
        loop {
            let (worker, same) = (self.clone(), Arc::clone(&claimed));
            let Err(error) = tokio::spawn(async move { worker.carry(&same).await }).await else {
                return;
            };
            if error.is_cancelled() {
                return;
            }
            tracing::error!(job.id = %claimed.job.id, %error, "processing a job failed; starting again");
            backoff.pause().await;
        }
    }

    /// Carries work to its end, from wherever it is.
    async fn carry(&self, claimed: &Claimed) {
        let job = &claimed.job;
        match self.execution(claimed).carry_on(claimed).await {
            Ok(Finished::With(outcome)) => self.finish(claimed, *outcome).await,
            Ok(Finished::Requeued) => {}
            Err(error) if error.is_stale() => {
                tracing::warn!(job.id = %job.id, "the job was claimed by another node; ending the work on it");
                self.execution(claimed).abandon(claimed.run).await;
            }
            Err(error) => {
                // Everything else was tried again until it worked.
                tracing::error!(job.id = %job.id, %error, "the job cannot be carried on");
            }
        }
    }

    /// Records the end, after those of all children, then removes what the attempt needed: until the end is safely stored it is needed.
    async fn finish(&self, claimed: &Claimed, outcome: Outcome) {
        let recorded = match self.jobs.children_have_ended(claimed.job.id, &claimed.slot).await {
            Ok(()) => self.record_end(&claimed.job, &outcome).await,
            Err(error) => Err(error),
        };
        // What can be cured by asking again was: the job is no longer ours, or is gone.
        if let Err(error) = recorded {
            tracing::error!(job.id = %claimed.job.id, %error, "the end of the job cannot be recorded");
            return self.execution(claimed).abandon(claimed.run).await;
        }
        self.execution(claimed).clean_up(claimed.run);
    }

    /// Records the end of a job, and queues it again where its own policy says so.
    ///
    /// # Errors
    /// When the job is not under this claim anymore.
    pub(crate) async fn record_end(&self, job: &Job, outcome: &Outcome) -> Result<(), JobError> {
        let mut backoff = Backoff::new(job.id);
        let end = Move::End(outcome.ending);
        loop {
            match self.transitions.apply(job.clone(), end, &outcome.reason, Some(outcome)).await {
                Ok(ended) => {
                    self.jobs.retry_by_policy(&ended).await;
                    return Ok(());
                }
                Err(error) => backoff.after(error).await?,
            }
        }
    }
}
