//! Going on where a job failed: a new attempt from the failed task on, for the hosts that need it.
//!
//! `--start-at-task` begins at a listed task of that name, for all hosts alike, and `--limit` says which hosts. What
//! is given up for simplicity is always given up on the safe side: a task too many may run again, but none that a
//! host still needs is left out. So hosts are only left out when the run went on to its last task without those
//! that failed; a run that stopped before goes on with all hosts it had.

mod plan;
mod trace;

use content::catalog;
use model::{Detail, Ending, Job, JobId, JobState, Outcome, PlaybookDetail, Work};

use crate::{Engine, OnBehalf, jobs::Error, task_list::TaskList};
pub use plan::{PlayTasks, ResumePlan};
use trace::Trace;

/// Why a job is not resumed.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    /// It has not ended.
    #[error("job `{job}` is {state}: only a finished job can be resumed")]
    NotEnded {
        /// The job.
        job: JobId,
        /// Where it is.
        state: JobState,
    },
    /// It ended well.
    #[error("job `{0}` has nothing to resume: its last run succeeded")]
    Nothing(JobId),
    /// Something else failed.
    #[error(transparent)]
    Other(#[from] Error),
}

impl From<store::Error> for ResumeError {
    fn from(error: store::Error) -> Self {
        Self::Other(error.into())
    }
}

impl Engine {
    /// What would run again if the job were resumed now.
    ///
    /// # Errors
    /// When there is no such job, it has not ended, or it ended well.
    pub async fn resume_plan(&self, by: &OnBehalf, id: JobId) -> Result<ResumePlan, ResumeError> {
        let job = self.job(id).await?;
        if !job.state.is_terminal() {
            return Err(ResumeError::NotEnded { job: id, state: job.state });
        }
        let outcome = self.last_outcome(&job).await?;
        let is_good = outcome.as_ref().is_some_and(|outcome| outcome.ending == Ending::Succeeded);
        if is_good || job.state == JobState::Succeeded {
            return Err(ResumeError::Nothing(id));
        }
        let Work::Playbook(work) = &job.request.work;
        if !work.before.is_empty() {
            return Ok(ResumePlan::of_all_steps(&job));
        }
        let list = self.task_list(by, &job).await?;
        let mut trace = Trace::new(&list, outcome.as_ref().and_then(sorted_failures));
        self.each_event(&job, |event| trace.take(event)).await?;
        Ok(plan::plan(&job, outcome.as_ref(), &list, &trace))
    }

    /// Queues the job once more, for what [`Self::resume_plan`] gives.
    ///
    /// # Errors
    /// As [`Self::resume_plan`].
    pub async fn resume(&self, by: &OnBehalf, id: JobId) -> Result<Job, ResumeError> {
        loop {
            let plan = self.resume_plan(by, id).await?;
            match self.retry(id, Some(plan.resume)).await {
                // There was another attempt since the plan was made.
                Err(Error::Store(store::Error::Stale { .. })) => {}
                ended => return Ok(ended?),
            }
        }
    }

    /// How the last run ended; a job that was canceled while it waited for another has none of its own.
    async fn last_outcome(&self, job: &Job) -> Result<Option<Outcome>, Error> {
        match &job.outcome {
            Some(outcome) => Ok(Some(outcome.clone())),
            None => Ok(self.store().attempts(job.id).await?.pop().and_then(|attempt| attempt.outcome)),
        }
    }

    /// What the content of a job lists now. The job ran it, so programs that print passwords are executed for this, too.
    pub(crate) async fn task_list(&self, by: &OnBehalf, job: &Job) -> Result<TaskList, Error> {
        let by = OnBehalf { may_run: true, ..by.clone() };
        let Work::Playbook(work) = &job.request.work;
        match self.look_into(&by, work.project.as_ref(), &work.content).await {
            Ok(inspection) => Ok(TaskList::new(inspection, work)),
            // The content is gone: a new attempt will say so.
            Err(Error::Content(catalog::Error::NotFound { .. }) | Error::UnknownProject { .. }) => {
                Ok(TaskList::default())
            }
            Err(error) => Err(error),
        }
    }
}

/// The failures that were final. Only a recap tells, and only all of them together are worth something.
fn sorted_failures(outcome: &Outcome) -> Option<&[model::Failure]> {
    let Detail::Playbook(PlaybookDetail { report, .. }) = &outcome.detail;
    let is_sorted = !report.stats.is_empty() && report.failures_left_out == 0;
    is_sorted.then_some(report.failures.as_slice())
}
