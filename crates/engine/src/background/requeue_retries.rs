//! Requeues jobs whose retry policy requires another attempt but that were not queued: a service may be killed
//! after it recorded an outcome and before it queued the job.

use model::{JobSummary, RetryOn};
use store::{JobQuery, Store};

use super::{
    error::{Items, TaskError},
    task::{About, Task},
};
use crate::{error::JobError, jobs::handle::Jobs};

/// How many of the newest jobs are checked per terminal state.
const RECENT: u32 = 500;

/// Requeues jobs whose retry was missed.
#[derive(Debug)]
pub(crate) struct RequeueRetries {
    pub(crate) store: Store,
    pub(crate) jobs: Jobs,
}

impl Task for RequeueRetries {
    const ABOUT: About = About {
        name: "requeue_retries",
        summary: "Queues jobs again whose retry policy was not applied before a crash",
    };

    async fn activate(&self) -> Result<u64, TaskError> {
        let mut items = Items::default();
        for &state in RetryOn::ALL {
            let query = JobQuery { state: Some(state.state()), limit: RECENT, ..JobQuery::default() };
            for job in self.store.jobs(&query).await?.iter().filter(|job| is_wanted(job)) {
                match self.jobs.retry(job.id, None).await {
                    Ok(_) => items.done(),
                    // The process that recorded the outcome has queued the job already.
                    Err(JobError::Refused(_)) => {}
                    Err(error) => {
                        tracing::warn!(job.id = %job.id, %error, "the job could not be queued again");
                        items.failed(&error);
                    }
                }
            }
        }
        items.result()
    }
}

fn is_wanted(job: &JobSummary) -> bool {
    job.request.retry.as_ref().is_some_and(|policy| policy.allows(job.state, job.attempt))
}
