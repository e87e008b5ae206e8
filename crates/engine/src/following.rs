//! Following events from any number on: those of one job to its end, or those of all jobs for ever.
//!
//! ```text
//! read how far it goes -> read events up to there -> any? give them -> ended? give the job -> wait for news
//! ```
//! The job is read first: its last event is stored together with its end, so once it was seen to have ended,
//! the events that are there are all. What was looked through is not looked through again, however few of the
//! events are wanted. A follower reads from the store at its own pace and holds one batch; a slow one is late,
//! never wrong, and never in anybody's way: neither the run nor the worker knows that it is there.

use std::time::Duration;

use model::{Event, Job, JobId};
use tokio::time::{Instant, timeout_at};

use crate::{Engine, EventQuery, jobs::Error, live::News};

/// How many events one batch has at most.
const BATCH: u32 = 100;

/// What comes next.
#[derive(Debug)]
pub enum Next<E = Event> {
    /// More events, in order.
    Events(Vec<E>),
    /// Nothing happened for as long as the caller wanted to wait.
    Quiet,
    /// The job has ended, and every event of it was given.
    End(Box<Job>),
}

/// An event with its position among those of all jobs, and its job.
pub type Placed = (u64, JobId, Event);

/// Somebody's place in the events of a job.
#[derive(Debug)]
pub struct Following {
    engine: Engine,
    job: JobId,
    query: EventQuery,
    news: News,
}

/// Somebody's place in the events of all jobs.
#[derive(Debug)]
pub struct FollowingAll {
    engine: Engine,
    query: EventQuery,
    news: News,
}

impl Engine {
    /// Begins after the event with the number `query.after`; 0 for all. Only what matches is given; `until` and
    /// `limit` do not count.
    ///
    /// # Errors
    /// When there is no such job.
    pub async fn follow_job(&self, job: JobId, query: EventQuery) -> Result<Following, Error> {
        let news = self.inner.live.listen(job);
        self.job(job).await?;
        Ok(Following { engine: self.clone(), job, query, news })
    }

    /// The same for all jobs, by position.
    #[must_use]
    pub fn follow_all(&self, query: EventQuery) -> FollowingAll {
        FollowingAll { engine: self.clone(), query, news: self.inner.live.listen_to_all() }
    }

    /// Events of all jobs that match, in the order of their positions.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn all_events(&self, query: &EventQuery) -> Result<Vec<Placed>, Error> {
        Ok(self.store().all_events(query).await?)
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
            look_up_to(&mut self.query, job.last_seq);
            let begun = self.query.after;
            let events = self.engine.store().events(self.job, &self.query).await?;
            let is_all =
                went_on(&mut self.query, job.last_seq, events.last().map(|event| event.seq), &events);
            if !events.is_empty() {
                self.account(begun, &events);
                return Ok(Next::Events(events));
            }
            if is_all && job.state.is_terminal() {
                return Ok(Next::End(Box::new(job)));
            }
            if !wait(&mut self.news, give_up).await {
                return Ok(Next::Quiet);
            }
        }
    }

    /// Who wants everything gets everything: each number is one more than the last.
    fn account(&self, begun: u64, events: &[Event]) {
        let counters = &self.engine.inner.counters;
        counters.delivered(events.len());
        let is_whole = || events.iter().zip(begun + 1..).all(|(event, wanted)| event.seq == wanted);
        if !is_filtered(&self.query) && !is_whole() {
            counters.mismatch();
            tracing::error!(job.id = %self.job, after = begun, "events are missing in the store");
        }
    }
}

impl FollowingAll {
    /// Gives what comes next; waits as [`Following::next`]. It never ends.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn next(&mut self, at_most: Duration) -> Result<Next<Placed>, Error> {
        let give_up = Instant::now() + at_most;
        loop {
            // After an event was seen, none with a smaller position comes: what is here up to `last` is all.
            let last = self.engine.store().last_position().await?;
            look_up_to(&mut self.query, last);
            let events = self.engine.store().all_events(&self.query).await?;
            went_on(&mut self.query, last, events.last().map(|(position, ..)| *position), &events);
            if !events.is_empty() {
                self.engine.inner.counters.delivered(events.len());
                return Ok(Next::Events(events));
            }
            if !wait(&mut self.news, give_up).await {
                return Ok(Next::Quiet);
            }
        }
    }
}

fn look_up_to(query: &mut EventQuery, last: u64) {
    query.until = Some(last);
    query.limit = BATCH;
}

/// Moves on behind what was looked through; says whether that was all up to `last`.
fn went_on<E>(query: &mut EventQuery, last: u64, last_given: Option<u64>, events: &[E]) -> bool {
    let is_full = events.len() >= BATCH as usize;
    match last_given.filter(|_| is_full) {
        Some(given) => query.after = given,
        // Whoever begins behind the end waits there.
        None => query.after = query.after.max(last),
    }
    !is_full
}

/// Says whether there may be news before it is time to give up.
async fn wait(news: &mut News, give_up: Instant) -> bool {
    timeout_at(give_up, news.next()).await.is_ok() && Instant::now() < give_up
}

fn is_filtered(query: &EventQuery) -> bool {
    let EventQuery { after: _, until: _, limit: _, host, task, kind, changed, failed } = query;
    host.is_some() || task.is_some() || kind.is_some() || *changed || *failed
}
