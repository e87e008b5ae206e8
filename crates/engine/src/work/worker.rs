//! The worker of a claimed job of any kind: starts the work, follows it to its end, and records the outcome.
//!
//! The kind of work implements the work itself, see `contract.rs`.

use std::sync::Arc;

use model::{Ending, Job, Outcome, job_state::Move};
use tokio::sync::OwnedRwLockReadGuard;

use super::{
    claimed::Claimed,
    contract::{Execution, Executions, Finished},
};
use crate::{backoff::Backoff, clock, error::JobError, jobs::handle::Jobs, transitions::Transitions};

/// Held from before a job is claimed until its work continues without this process or can be taken over. The
/// service must not end in the meantime.
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

    /// The execution for a claimed job.
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

    /// Follows work to its end, and retries after a panic, which does not affect the work itself.
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

    /// Continues work to its end from its current state.
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
                // All other errors were retried until they succeeded.
                tracing::error!(job.id = %job.id, %error, "the job cannot be carried on");
            }
        }
    }

    /// Records the outcome after all children have ended, then removes the resources of the attempt. They are
    /// needed until the outcome is stored.
    async fn finish(&self, claimed: &Claimed, outcome: Outcome) {
        let recorded = match self.jobs.children_have_ended(claimed.job.id, &claimed.slot).await {
            Ok(()) => self.record_end(&claimed.job, &outcome).await,
            Err(error) => Err(error),
        };
        // Temporary errors were retried, so another node has taken the job over, or the job was deleted.
        if let Err(error) = recorded {
            tracing::error!(job.id = %claimed.job.id, %error, "the end of the job cannot be recorded");
            return self.execution(claimed).abandon(claimed.run).await;
        }
        self.execution(claimed).clean_up(claimed.run);
    }

    /// Records the outcome of a job, and queues it again if its retry policy requires it.
    ///
    /// # Errors
    /// When the claim has ended.
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
