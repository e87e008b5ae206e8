//! Who waits for news of a job hears that there is some; what the news is stands in the store.

use std::time::Duration;

use model::JobId;
use tokio::{
    sync::broadcast::{self, Receiver, Sender, error::RecvError},
    time::{Instant, timeout_at},
};

/// How long lost news can go unnoticed.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Spreads the word.
#[derive(Debug)]
pub(crate) struct Live(Sender<JobId>);

impl Default for Live {
    fn default() -> Self {
        Self(broadcast::Sender::new(1024))
    }
}

impl Live {
    /// There is news of this job.
    pub(crate) fn tell(&self, job: JobId) {
        // An error means that nobody listens.
        let _ = self.0.send(job);
    }

    /// Listens from now on. Look into the store after this, then wait: so nothing is missed in between.
    pub(crate) fn listen(&self, job: JobId) -> News {
        News { job: Some(job), receiver: self.0.subscribe() }
    }

    /// The same for news of any job.
    pub(crate) fn listen_to_all(&self) -> News {
        News { job: None, receiver: self.0.subscribe() }
    }
}

/// Hears of one job, or of all.
#[derive(Debug)]
pub(crate) struct News {
    job: Option<JobId>,
    receiver: Receiver<JobId>,
}

impl News {
    /// Waits for news, or until it is time to look again in case some was lost.
    pub(crate) async fn next(&mut self) {
        let look_again = Instant::now() + LOOK_AGAIN;
        loop {
            match timeout_at(look_again, self.receiver.recv()).await {
                Ok(Ok(job)) if self.job.is_some_and(|wanted| wanted != job) => {}
                // Too slow to hear everything: there may have been news.
                Ok(Ok(_) | Err(RecvError::Lagged(_))) | Err(_) => return,
                // The engine is going; whoever waits is going too.
                Ok(Err(RecvError::Closed)) => return tokio::time::sleep_until(look_again).await,
            }
        }
    }
}

impl crate::Engine {
    /// Passes on for ever what other processes tell through the store; nothing to do where there are none.
    pub(crate) async fn hear(self) {
        loop {
            match self.store().listen().await {
                Ok(None) => return,
                Ok(Some(listener)) => self.pass_on(listener).await,
                Err(error) => tracing::warn!(%error, "the store cannot be listened to; trying again"),
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    async fn pass_on(&self, mut listener: store::Listener) -> ! {
        loop {
            match listener.next().await {
                store::Notification::Job(job) => {
                    self.inner.live.tell(job);
                    self.inner.held.notify(job);
                    self.inner.queued.notify_one();
                }
                // What was told meanwhile is lost; everybody looks again by a timer.
                store::Notification::Reconnected => self.inner.queued.notify_one(),
            }
        }
    }
}
