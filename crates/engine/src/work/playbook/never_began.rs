//! Runs that ended before Ansible was executed: their jobs are queued again at their previous positions.
//!
//! A job is queued again only if it is proven that its run never began; `ansible::beginning` describes how.
//! Otherwise the job is lost, for example when another node ran it, whose files aren't accessible here.

use std::io;

use model::{Code, Ending, Job, JobState, Phase, PlaybookOutcome, Reason, RunId, job_state};
use store::{Requeue, Requeued, Store};
use tokio::task::spawn_blocking;

use super::runs::Runs;
use crate::{
    backoff::Backoff,
    changes::Changes,
    clock,
    error::JobError,
    queue::Queue,
    transitions::state_event,
    work::{claimed::Origin, contract::Finished},
};

/// A job fails when the sum of the [`weight`]s of consecutive runs that never began reaches this limit.
const LIMIT: u32 = 50;

/// How much a run that never began counts. When a service ends, all of its new runs end, and rarely because of one
/// of them, so that counts little: the limit is reached after 50 times. A supervisor that ends while the service is
/// running may do so again for the same reason: the limit is reached after 5 times.
const fn weight(origin: Origin) -> u32 {
    match origin {
        Origin::Started => 10,
        Origin::Recovered | Origin::Unanswered => 1,
    }
}

/// Decides whether a run never began, and queues its job again.
#[derive(Debug)]
pub(crate) struct NeverBegan {
    pub(crate) store: Store,
    pub(crate) changes: Changes,
    pub(crate) queue: Queue,
    pub(crate) runs: Runs,
    /// Whether the previous service ran since the machine was booted.
    pub(crate) is_same_boot: bool,
}

impl NeverBegan {
    /// Whether it is proven that a run whose supervisor has exited never began. If so, it can no longer begin.
    pub(super) async fn is_proven(&self, job: &Job, run: RunId, origin: Origin) -> Result<bool, JobError> {
        let is_same_boot = match origin {
            // This process created the directory. If the directory is missing, another process removed it.
            Origin::Started => false,
            Origin::Recovered => self.is_same_boot,
            Origin::Unanswered => true,
        };
        let directory = self.runs.directory(run);
        let mut backoff = Backoff::new(job.id);
        loop {
            let checked = directory.clone();
            let ruled_out = spawn_blocking(move || checked.rule_out_beginning(is_same_boot)).await;
            match ruled_out.unwrap_or_else(|error| Err(io::Error::other(error))) {
                Ok(true) if directory.path().exists() => return Ok(true),
                // The directory may have been removed, so check for other traces of the run as well.
                Ok(true) => return Ok(!self.has_left_traces(job, run).await?),
                Ok(false) => return Ok(false),
                Err(error) => {
                    tracing::warn!(job.id = %job.id, %error, "it can't be found out whether the run began; trying again");
                }
            }
            backoff.pause().await;
        }
    }

    /// Whether a run without a directory has left traces elsewhere.
    async fn has_left_traces(&self, job: &Job, run: RunId) -> Result<bool, JobError> {
        let mut backoff = Backoff::new(job.id);
        let events = loop {
            match self.store.last_run_seq(run).await {
                Ok(last) => break last,
                Err(error) => backoff.after(error).await?,
            }
        };
        Ok(events > 0 || self.runs.workspace(run).short().exists())
    }

    /// Queues the job of a run that never began again, at its previous position. If it is being canceled, it ends
    /// as canceled. If this has happened too often in a row, it fails. The events of such a run are not counted,
    /// because no supervisor is left to report their number.
    pub(super) async fn requeue(&self, job: &Job, run: RunId, origin: Origin) -> Result<Finished, JobError> {
        let words = self.runs.diagnostics(run);
        // Clean up before the store is updated: a queued job must have no processes and no secrets in files.
        let _killed = self.runs.clear_up_after(run).await;
        let mut backoff = Backoff::new(job.id);
        loop {
            let now = match self.store.job(job.id).await {
                Ok(Some(now)) if now.fence == job.fence && now.run == Some(run) => now,
                Ok(Some(_)) => return Err(store::Error::Stale { job: job.id }.into()),
                Ok(None) => return Err(JobError::UnknownJob(job.id)),
                Err(error) => {
                    backoff.after(error).await?;
                    continue;
                }
            };
            if now.state == JobState::Canceling {
                let reason =
                    Reason::new(Some(Phase::Prepare), Code::Canceled, "canceled before Ansible was started");
                let canceled = PlaybookOutcome::without_run(Ending::Canceled, reason, clock::now());
                return Ok(Finished::With(Box::new(canceled.into())));
            }
            match self.store_requeue(&now, run, origin).await {
                Ok(Requeued::Queued(queued)) => {
                    tracing::warn!(job.id = %job.id, run.id = %run, "the run never began; the job waits again: {words}");
                    self.runs.remove(run);
                    self.changes.publish(queued.id);
                    self.queue.nudge();
                    return Ok(Finished::Requeued);
                }
                Ok(Requeued::TooOften) => {
                    let message = format!(
                        "no run of the job came to execute Ansible, too many times in a row; {words}"
                    );
                    let reason = Reason::new(Some(Phase::Prepare), Code::NeverBegan, message);
                    let failed = PlaybookOutcome::without_run(Ending::Failed, reason, clock::now());
                    return Ok(Finished::With(Box::new(failed.into())));
                }
                // A client has canceled the job, or another node has taken it over.
                Err(error) if error.is_stale() => {}
                Err(error) => backoff.after(error).await?,
            }
        }
    }

    async fn store_requeue(&self, job: &Job, run: RunId, origin: Origin) -> Result<Requeued, JobError> {
        let to = job_state::apply(job.state, job_state::Move::Requeue)?;
        let message = "waits for a free slot; its run ended before Ansible was started";
        let reason = Reason::new(None, Code::RequeuedNeverBegan, message);
        let event = state_event(Some(job.state), to, &reason, clock::now());
        let requeue = Requeue {
            id: job.id,
            fence: job.fence,
            run,
            weight: weight(origin),
            limit: LIMIT,
            reason: &reason,
            event: &event,
        };
        Ok(self.store.requeue(&requeue).await?)
    }
}
