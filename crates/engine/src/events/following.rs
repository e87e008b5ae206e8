//! Following events from any number on: those of one job to its end, or those of all jobs for ever.
//!
//! ```text
//! read how far it goes -> read events up to there -> any? give them -> ended? give the job -> wait for a change
//! ```
//! The job is read first: its last event is stored together with its end, so once it was seen to have ended,
//! the events that are there are all. What was looked through is not looked through again, however few of the
//! events are wanted. A follower reads from the store at its own pace and holds one batch; a slow one is late,
//! never wrong, and never in anybody's way: neither the run nor the worker knows that it is there.

use std::time::Duration;

use model::{Event, Job, JobId};
use store::EventQuery;
use tokio::time::{Instant, timeout_at};

use super::handle::{Events, Placed};
use crate::{changes::Subscription, error::JobError};

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

/// The place of a client in the events of a job.
#[derive(Debug)]
pub struct Following {
    events: Events,
    job: JobId,
    query: EventQuery,
    changes: Subscription,
}

/// The place of a client in the events of all jobs.
#[derive(Debug)]
pub struct FollowingAll {
    events: Events,
    query: EventQuery,
    changes: Subscription,
}

impl Events {
    /// Begins after the event with the number `query.after`; 0 for all. Only what matches is given; `until` and
    /// `limit` do not count.
    ///
    /// # Errors
    /// When there is no such job.
    pub async fn follow(&self, job: JobId, query: EventQuery) -> Result<Following, JobError> {
        let changes = self.changes_of(job);
        self.job(job).await?;
        Ok(Following { events: self.clone(), job, query, changes })
    }

    /// The same for all jobs, by position.
    #[must_use]
    pub fn follow_all(&self, query: EventQuery) -> FollowingAll {
        FollowingAll { events: self.clone(), query, changes: self.all_changes() }
    }
}

impl Following {
    /// Gives what comes next. When there is nothing yet, waits for it at most this long: zero gives what is
    /// there.
    ///
    /// # Errors
    /// When the store fails, or the job was deleted meanwhile.
    pub async fn next(&mut self, at_most: Duration) -> Result<Next, JobError> {
        let give_up = Instant::now() + at_most;
        loop {
            let job = self.events.job(self.job).await?;
            look_up_to(&mut self.query, job.last_seq);
            let begun = self.query.after;
            let events = self.events.store().events(self.job, &self.query).await?;
            let is_all =
                went_on(&mut self.query, job.last_seq, events.last().map(|event| event.seq), &events);
            if !events.is_empty() {
                self.account(begun, &events);
                return Ok(Next::Events(events));
            }
            if is_all && job.state.is_terminal() {
                return Ok(Next::End(Box::new(job)));
            }
            if !wait(&mut self.changes, give_up).await {
                return Ok(Next::Quiet);
            }
        }
    }

    /// Who wants everything gets everything: each number is one more than the last.
    fn account(&self, begun: u64, events: &[Event]) {
        let counters = self.events.counters();
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
    pub async fn next(&mut self, at_most: Duration) -> Result<Next<Placed>, JobError> {
        let give_up = Instant::now() + at_most;
        loop {
            // After an event was seen, none with a smaller position comes: what is here up to `last` is all.
            let last = self.events.store().last_position().await?;
            look_up_to(&mut self.query, last);
            let events = self.events.store().all_events(&self.query).await?;
            went_on(&mut self.query, last, events.last().map(|(position, ..)| *position), &events);
            if !events.is_empty() {
                self.events.counters().delivered(events.len());
                return Ok(Next::Events(events));
            }
            if !wait(&mut self.changes, give_up).await {
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

/// Whether there may be more before it is time to give up.
async fn wait(changes: &mut Subscription, give_up: Instant) -> bool {
    timeout_at(give_up, changes.changed()).await.is_ok() && Instant::now() < give_up
}

fn is_filtered(query: &EventQuery) -> bool {
    let EventQuery { after: _, until: _, limit: _, host, task, kind, changed, failed } = query;
    host.is_some() || task.is_some() || kind.is_some() || *changed || *failed
}
