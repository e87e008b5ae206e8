//! Follows events from a given number on: those of one job to its end, or those of all jobs indefinitely.
//!
//! ```text
//! read the last number -> read events up to it -> any? return them -> ended? return the job -> wait for a change
//! ```
//! The job is read first. Its last event is stored together with its outcome, so once the job is read as ended, all
//! of its events are in the store. Events that a filter skipped are not read again. A follower reads from the store
//! at its own pace and holds one batch. A slow follower is late but misses nothing, and it blocks neither the run
//! nor the worker, which do not know about it.

use std::time::Duration;

use model::{Event, Job, JobId};
use store::EventQuery;
use tokio::time::{Instant, timeout_at};

use super::handle::{Events, Placed};
use crate::{changes::Subscription, error::JobError};

/// Maximum number of events in one batch.
const BATCH: u32 = 100;

/// The next result of a follower.
#[derive(Debug)]
pub enum Next<E = Event> {
    /// More events, in order.
    Events(Vec<E>),
    /// Nothing happened within the requested time.
    Quiet,
    /// The job has ended, and all of its events have been returned.
    End(Box<Job>),
}

/// The position of a client in the events of a job.
#[derive(Debug)]
pub struct Following {
    events: Events,
    job: JobId,
    query: EventQuery,
    changes: Subscription,
}

/// The position of a client in the events of all jobs.
#[derive(Debug)]
pub struct FollowingAll {
    events: Events,
    query: EventQuery,
    changes: Subscription,
}

impl Events {
    /// Follows a job from the event after number `query.after`; 0 returns all events. Only matching events are
    /// returned; `until` and `limit` are ignored.
    ///
    /// # Errors
    /// When there is no such job.
    pub async fn follow(&self, job: JobId, query: EventQuery) -> Result<Following, JobError> {
        let changes = self.changes_of(job);
        self.job(job).await?;
        Ok(Following { events: self.clone(), job, query, changes })
    }

    /// Like [`Self::follow`], for all jobs, by position.
    #[must_use]
    pub fn follow_all(&self, query: EventQuery) -> FollowingAll {
        FollowingAll { events: self.clone(), query, changes: self.all_changes() }
    }
}

impl Following {
    /// Returns the next events. If there are none yet, waits at most this long; zero returns only what is already
    /// stored.
    ///
    /// # Errors
    /// When the store fails, or the job was deleted meanwhile.
    pub async fn next(&mut self, at_most: Duration) -> Result<Next, JobError> {
        let give_up = Instant::now() + at_most;
        loop {
            let job = self.events.job(self.job).await?;
            limit_to(&mut self.query, job.last_seq);
            let begun = self.query.after;
            let events = self.events.store().events(self.job, &self.query).await?;
            let is_all =
                advance(&mut self.query, job.last_seq, events.last().map(|event| event.seq), &events);
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

    /// Checks that an unfiltered follower receives every event: each number is one higher than the previous one.
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
    /// Returns the next events; waits like [`Following::next`]. It never returns `End`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn next(&mut self, at_most: Duration) -> Result<Next<Placed>, JobError> {
        let give_up = Instant::now() + at_most;
        loop {
            // Once an event is visible, no event with a lower position appears later, so the events up to `last`
            // are complete.
            let last = self.events.store().last_position().await?;
            limit_to(&mut self.query, last);
            let events = self.events.store().all_events(&self.query).await?;
            advance(&mut self.query, last, events.last().map(|(position, ..)| *position), &events);
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

fn limit_to(query: &mut EventQuery, last: u64) {
    query.until = Some(last);
    query.limit = BATCH;
}

/// Advances past the events that were read; returns whether those were all events up to `last`.
fn advance<E>(query: &mut EventQuery, last: u64, last_given: Option<u64>, events: &[E]) -> bool {
    let is_full = events.len() >= BATCH as usize;
    match last_given.filter(|_| is_full) {
        Some(given) => query.after = given,
        // A follower that starts past the end waits at its start.
        None => query.after = query.after.max(last),
    }
    !is_full
}

/// Waits for a change; returns `false` when the time is up.
async fn wait(changes: &mut Subscription, give_up: Instant) -> bool {
    timeout_at(give_up, changes.changed()).await.is_ok() && Instant::now() < give_up
}

fn is_filtered(query: &EventQuery) -> bool {
    let EventQuery { after: _, until: _, limit: _, host, task, kind, changed, failed } = query;
    host.is_some() || task.is_some() || kind.is_some() || *changed || *failed
}
