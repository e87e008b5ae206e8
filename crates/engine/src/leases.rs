//! Leases: who works on a job says so every few seconds; who stops saying so has lost it.
//!
//! A node beats for every run it follows. When the store says that a claim is over, the run is asked to end: some
//! other node has called the job lost, and may have given it to a new run. Any node looks for jobs whose lease is
//! over: its own are taken up again, those of others are lost.
//!
//! A job can be canceled at any node; the one that holds it learns so from its state, at the word that the store
//! passes on and at every beat.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use model::{Code, Ending, Job, JobId, Outcome, Phase, Reason, RunId};
use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};

use crate::{Engine, jobs::Error, never_began::Origin};

/// How many beats a lease lasts: three may be late or lost.
const BEATS: u32 = 4;
/// How many expired leases are looked at in one go.
const EXPIRED: u32 = 100;
/// How often at most the states of held jobs are read, however much is told of them.
const LOOK_AT_MOST_EVERY: Duration = Duration::from_millis(100);

/// The runs that this node follows, with the claims under which it does.
#[derive(Debug, Default)]
pub(crate) struct Held {
    runs: Mutex<HashMap<RunId, (JobId, u64)>>,
    /// The run of a claim that is being made. A process may be stopped in the middle of it for longer than a lease; what it
    /// has claimed then is not up for others in it.
    claiming: Mutex<Option<RunId>>,
    /// Runs of claims that the store did not answer: it may have made them.
    unsure: Mutex<HashSet<RunId>>,
    /// Says that somebody wrote to one of the jobs.
    told: Notify,
}

impl Held {
    fn list(&self) -> Vec<(RunId, JobId, u64)> {
        let held = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        held.iter().map(|(run, (job, fence))| (*run, *job, *fence)).collect()
    }

    fn has(&self, run: RunId) -> bool {
        // In this order, because a run leaves the first after it is in the second.
        *self.claiming.lock().unwrap_or_else(PoisonError::into_inner) == Some(run)
            || self.runs.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&run)
    }

    /// A claim is about to be made for this run, or none anymore.
    pub(crate) fn claims(&self, run: Option<RunId>) {
        *self.claiming.lock().unwrap_or_else(PoisonError::into_inner) = run;
    }

    /// It isn't known whether the claim for this run was made.
    pub(crate) fn is_unsure_of(&self, run: RunId) {
        self.unsure.lock().unwrap_or_else(PoisonError::into_inner).insert(run);
    }

    /// There is news of this job.
    pub(crate) fn tell(&self, job: JobId) {
        let held = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        if held.values().any(|(held, _)| *held == job) {
            self.told.notify_one();
        }
    }
}

/// As long as this lives, the node beats for the run.
#[derive(Debug)]
pub(crate) struct Hold {
    engine: Engine,
    run: RunId,
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.engine.inner.held.runs.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.run);
    }
}

impl Engine {
    fn beat_every(&self) -> Duration {
        self.options().lease / BEATS
    }

    /// Now, by the clock that all nodes share, and the end of a lease that begins now.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn lease(&self) -> Result<(Timestamp, Timestamp), store::Error> {
        let now = self.store().clock().await?;
        Ok((now, now.checked_add(self.options().lease).unwrap_or(Timestamp::MAX)))
    }

    /// Holds a run from its claim on: nobody but who holds it decides on it here.
    pub(crate) fn hold(&self, job: &Job, run: RunId) -> Hold {
        let mut held = self.inner.held.runs.lock().unwrap_or_else(PoisonError::into_inner);
        held.insert(run, (job.id, job.fence));
        Hold { engine: self.clone(), run }
    }

    /// Beats for ever.
    pub(crate) async fn beat(self) {
        loop {
            sleep(self.beat_every()).await;
            for (run, job, fence) in self.inner.held.list() {
                let beaten = match self.lease().await {
                    Ok((_, until)) => self.store().beat(job, fence, until).await,
                    Err(error) => Err(error),
                };
                match beaten {
                    Ok(()) => {}
                    Err(store::Error::Stale { .. }) => self.end_if_taken(run, job, fence).await,
                    Err(error) => tracing::warn!(job.id = %job, %error, "the lease could not be renewed"),
                }
            }
        }
    }

    /// A claim can be over because the job ended well just now; only one that another node took ends the run.
    async fn end_if_taken(&self, run: RunId, job: JobId, fence: u64) {
        match self.store().job(job).await {
            Ok(Some(now)) if now.fence == fence => {}
            Ok(_) if !self.inner.held.has(run) => {}
            Ok(_) => {
                tracing::warn!(job.id = %job, run.id = %run, "the claim is over; ending the run");
                self.ask_to_stop(run);
            }
            Err(error) => tracing::warn!(job.id = %job, %error, "the job cannot be read; looking again"),
        }
    }

    /// Passes on for ever what any node asked of the runs that this one holds.
    pub(crate) async fn heed(self) {
        loop {
            // An error here is the timer: a word may have been lost.
            let _ = timeout(self.beat_every(), self.inner.held.told.notified()).await;
            if self.inner.held.list().is_empty() {
                continue;
            }
            match self.store().canceling(&self.options().node).await {
                Ok(runs) => runs.into_iter().filter(|run| self.inner.held.has(*run)).for_each(|run| {
                    self.ask_to_stop(run);
                }),
                Err(error) => tracing::warn!(%error, "what is to be canceled cannot be read; trying again"),
            }
            sleep(LOOK_AT_MOST_EVERY).await;
        }
    }

    /// Jobs whose holder stopped beating: what became of them is decided here, by one node at a time.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn expired_jobs(&self) -> Result<Vec<Job>, Error> {
        let (now, until) = self.lease().await?;
        let mut taken = Vec::new();
        for job in self.store().expired(now, EXPIRED).await? {
            if job.run.is_some_and(|run| self.inner.held.has(run)) {
                continue;
            }
            match self.store().take_over(job.id, job.fence, &self.options().node, now, until).await {
                Ok(mine) => taken.push(Job { node: job.node, ..mine }),
                // The holder came back, or another node was quicker.
                Err(store::Error::Stale { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(taken)
    }

    /// Looks for expired leases for ever.
    pub(crate) async fn expire(self) {
        loop {
            sleep(self.beat_every()).await;
            match self.expired_jobs().await {
                Ok(jobs) => {
                    for job in jobs {
                        tokio::spawn(self.clone().take_up(job));
                    }
                }
                Err(error) => tracing::warn!(%error, "expired leases cannot be looked for; trying again"),
            }
        }
    }

    /// A job that was taken over: this node's own run goes on, another node's is lost.
    pub(crate) async fn take_up(self, job: Job) {
        let Some(run) = job.run else { return };
        if job.node.as_deref() == Some(&self.options().node) {
            let hold = self.hold(&job, run);
            // Of its own jobs it finds here those of which it never learned that it has them.
            let is_unsure =
                self.inner.held.unsure.lock().unwrap_or_else(PoisonError::into_inner).remove(&run);
            let origin = if is_unsure { Origin::Unanswered } else { Origin::Started };
            self.follow_through(job, run, hold, origin).await;
            return;
        }
        let node = job.node.clone().unwrap_or_default();
        let message = format!(
            "node `{node}`, which ran it, has not been heard of for {} s",
            self.options().lease.as_secs()
        );
        let reason = Reason::new(Some(Phase::Run), Code::NodeGone, message);
        let outcome =
            Outcome::not_begun(Ending::Lost, reason, crate::clock::now(), job.request.work.empty_detail());
        if let Err(error) = self.record_end(&job, &outcome).await {
            tracing::error!(job.id = %job.id, %error, "the end of the job cannot be recorded");
        }
    }
}
