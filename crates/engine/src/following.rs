//! Following a job: its events from any number on, then its end.
//!
//! ```text
//! read the job -> read events after the last one given -> any? give them -> ended? give the job -> wait for news
//! ```
//! The job is read first: its last event is stored together with its end, so once it was seen to have ended,
//! the events that are there are all. A follower reads from the store at its own pace and holds one batch; a
//! slow one is late, never wrong, and never in anybody's way.

use std::time::Duration;

use model::{Event, Job, JobId};
use tokio::time::{Instant, timeout_at};

use crate::{Engine, jobs::Error, live::News};

/// How many events one batch has at most.
const BATCH: u32 = 500;

/// What comes next.
#[derive(Debug)]
pub enum Next {
    /// More events, in order.
    Events(Vec<Event>),
    /// Nothing happened for as long as the caller wanted to wait.
    Quiet,
    /// The job has ended, and every event of it was given.
    End(Box<Job>),
}

/// Somebody's place in the events of a job.
#[derive(Debug)]
pub struct Following {
    engine: Engine,
    job: JobId,
    after: u64,
    news: News,
}

impl Engine {
    /// Begins after the event with number `after`; 0 for all.
    ///
    /// # Errors
    /// When there is no such job.
    pub async fn follow_job(&self, job: JobId, after: u64) -> Result<Following, Error> {
        let news = self.inner.live.listen(job);
        self.job(job).await?;
        Ok(Following { engine: self.clone(), job, after, news })
    }
}

impl Following {
    /// Gives what comes next. When there is nothing yet, waits for it at most this long: zero gives what is
    /// there.
    ///
    /// # Errors
    /// When the store fails, or the job was deleted meanwhile.
    pub async fn next(&mut self, at_most: Duration) -> Result<Next, Error> {
        let give_up = Instant::now() + at_most;
        loop {
            let job = self.engine.job(self.job).await?;
            let events =
                self.engine.store().events(self.job, &store::EventQuery::after(self.after, BATCH)).await?;
            if let Some(last) = events.last() {
                self.after = last.seq;
                return Ok(Next::Events(events));
            }
            if job.state.is_terminal() {
                return Ok(Next::End(Box::new(job)));
            }
            if timeout_at(give_up, self.news.next()).await.is_err() {
                return Ok(Next::Quiet);
            }
        }
    }
}
