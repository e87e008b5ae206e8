//! Notifies subscribers that a job changed. The change itself is in the store.

use std::time::Duration;

use model::JobId;
use tokio::{
    sync::broadcast::{self, Receiver, Sender, error::RecvError},
    time::{Instant, timeout_at},
};

/// How long a lost notification can delay a subscriber.
const POLL_EVERY: Duration = Duration::from_secs(1);

/// Publishes the IDs of jobs that changed; clones publish to the same subscribers.
#[derive(Debug, Clone)]
pub(crate) struct Changes(Sender<JobId>);

impl Default for Changes {
    fn default() -> Self {
        Self(broadcast::Sender::new(1024))
    }
}

impl Changes {
    /// Notifies the subscribers of this job.
    pub(crate) fn publish(&self, job: JobId) {
        // `send` fails only when there are no subscribers.
        let _ = self.0.send(job);
    }

    /// Subscribes to changes from now on. Read the store after this call and then wait, so that no change is missed
    /// in between.
    pub(crate) fn subscribe(&self, job: JobId) -> Subscription {
        Subscription { job: Some(job), receiver: self.0.subscribe() }
    }

    /// Like [`Self::subscribe`], for changes of any job.
    pub(crate) fn subscribe_to_all(&self) -> Subscription {
        Subscription { job: None, receiver: self.0.subscribe() }
    }
}

/// Receives changes of one job, or of all.
#[derive(Debug)]
pub(crate) struct Subscription {
    job: Option<JobId>,
    receiver: Receiver<JobId>,
}

impl Subscription {
    /// Waits for a change, or until the store must be read again in case a notification was lost.
    pub(crate) async fn changed(&mut self) {
        let poll_at = Instant::now() + POLL_EVERY;
        loop {
            match timeout_at(poll_at, self.receiver.recv()).await {
                Ok(Ok(job)) if self.job.is_some_and(|wanted| wanted != job) => {}
                // The subscriber fell behind, so a notification may have been dropped.
                Ok(Ok(_) | Err(RecvError::Lagged(_))) | Err(_) => return,
                // The publisher is dropped only at the end of the process.
                Ok(Err(RecvError::Closed)) => return tokio::time::sleep_until(poll_at).await,
            }
        }
    }
}
