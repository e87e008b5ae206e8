//! Ending a job by request.

use model::{Code, Job, JobId, JobState, Phase, Reason, job_state::Move};

use crate::{Engine, jobs::Error, work::kind::Kind};

impl Engine {
    /// Asks for the end of a job. One that waits is canceled at once; of one that runs the processes are ended
    /// first, and it is `canceling` until none is left. Its children are canceled with it. Asking again is no error.
    ///
    /// # Errors
    /// When there is no such job, or it has ended otherwise.
    pub async fn cancel(&self, id: JobId) -> Result<Job, Error> {
        let job = self.job(id).await?;
        if matches!(job.state, JobState::Canceled | JobState::Canceling) {
            self.stop_if_canceling(&job).await?;
            return Ok(job);
        }
        let reason = match job.state {
            JobState::Queued => {
                Reason::new(Some(Phase::Validate), Code::Canceled, "canceled before it was begun")
            }
            _ => Reason::new(None, Code::Canceling, "its processes are being terminated"),
        };
        match self.move_job(job, Move::Cancel, &reason, None).await {
            // It was claimed between the look and the move: the claim is what is canceled now.
            Err(Error::Store(store::Error::Stale { .. })) => Box::pin(self.cancel(id)).await,
            Ok(job) => {
                self.stop_if_canceling(&job).await?;
                Ok(job)
            }
            Err(error) => Err(error),
        }
    }

    async fn stop_if_canceling(&self, job: &Job) -> Result<(), Error> {
        if let (JobState::Canceling, Some(run)) = (job.state, job.run) {
            self.ask_to_stop(Kind::of(&job.request.work), run);
            self.cancel_children(job.id).await?;
        }
        Ok(())
    }
}
