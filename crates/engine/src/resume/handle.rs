//! Resumes a failed job: a new attempt that starts at the failed task, for the hosts that need it.
//!
//! `--start-at-task` starts at a listed task of that name, for all hosts alike, and `--limit` selects the hosts.
//! When in doubt, a resumed job repeats a task rather than skipping one that a host still needs. Hosts are
//! therefore excluded only when the run continued to its last task without the failed hosts. A run that stopped
//! earlier is resumed with all of its hosts.

use model::{Ending, Job, JobId, JobState, Outcome};
use store::Store;

use super::{
    plan::{self, ResumePlan},
    trace::Trace,
};
use crate::{
    catalog::inspections::{Inspections, OnBehalf},
    error::{CatalogError, JobError},
    events::handle::Events,
    jobs::handle::Jobs,
};

/// Resumes jobs; clones are cheap.
#[derive(Debug, Clone)]
pub struct Resume {
    store: Store,
    jobs: Jobs,
    events: Events,
    inspections: Inspections,
}

/// Why a job cannot be resumed.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    /// The job has not ended.
    #[error("job `{job}` is {state}: only a finished job can be resumed")]
    NotEnded {
        /// The job.
        job: JobId,
        /// Its state.
        state: JobState,
    },
    /// The job succeeded.
    #[error("job `{0}` has nothing to resume: its last run succeeded")]
    Nothing(JobId),
    /// Another error.
    #[error(transparent)]
    Other(#[from] JobError),
}

impl From<store::Error> for ResumeError {
    fn from(error: store::Error) -> Self {
        Self::Other(error.into())
    }
}

impl From<CatalogError> for ResumeError {
    fn from(error: CatalogError) -> Self {
        Self::Other(error.into())
    }
}

impl Resume {
    pub(crate) const fn new(store: Store, jobs: Jobs, events: Events, inspections: Inspections) -> Self {
        Self { store, jobs, events, inspections }
    }

    /// Determines what would run again if the job were resumed now.
    ///
    /// # Errors
    /// When the job does not exist, has not ended, or succeeded.
    pub async fn plan(&self, by: &OnBehalf, id: JobId) -> Result<ResumePlan, ResumeError> {
        let job = self.jobs.get(id).await?;
        if !job.state.is_terminal() {
            return Err(ResumeError::NotEnded { job: id, state: job.state });
        }
        let outcome = self.last_outcome(&job).await?;
        let is_good = outcome.as_ref().is_some_and(|outcome| outcome.ending == Ending::Succeeded);
        if is_good || job.state == JobState::Succeeded {
            return Err(ResumeError::Nothing(id));
        }
        let Some(work) = job.request.work.as_playbook() else {
            return Ok(ResumePlan::of_everything(&job, "all of its work is done again"));
        };
        if !work.before.is_empty() {
            let note = format!("the job has {} steps: all of them run again", work.steps());
            return Ok(ResumePlan::of_everything(&job, note));
        }
        let list = self.inspections.tasks_of_job(by, &job).await?;
        let mut trace = Trace::new(&list, outcome.as_ref().and_then(sorted_failures));
        self.events.each_of_last_run(&job, |event| trace.take(event)).await?;
        Ok(plan::plan(&job, work, outcome.as_ref(), &list, &trace))
    }

    /// Queues the job again with the result of [`Self::plan`].
    ///
    /// # Errors
    /// As [`Self::plan`].
    pub async fn apply(&self, by: &OnBehalf, id: JobId) -> Result<Job, ResumeError> {
        loop {
            let plan = self.plan(by, id).await?;
            match self.jobs.retry(id, Some(plan.resume)).await {
                // Another attempt was queued since the plan was made.
                Err(error) if error.is_stale() => {}
                ended => return Ok(ended?),
            }
        }
    }

    /// The outcome of the last run. A job that was canceled while it was queued again has no outcome of its own.
    async fn last_outcome(&self, job: &Job) -> Result<Option<Outcome>, JobError> {
        match &job.outcome {
            Some(outcome) => Ok(Some(outcome.clone())),
            None => Ok(self.store.attempts(job.id).await?.pop().and_then(|attempt| attempt.outcome)),
        }
    }
}

/// The final failures. Only the recap identifies them, and only the complete list is usable.
fn sorted_failures(outcome: &Outcome) -> Option<&[model::Failure]> {
    let report = &outcome.detail.as_playbook()?.report;
    let is_sorted = !report.stats.is_empty() && report.failures_omitted == 0;
    is_sorted.then_some(report.failures.as_slice())
}
