//! Leases: who works on a job says so every few seconds; who stops saying so has lost it.
//!
//! A node beats for every run it follows. When the store says that a claim is over, the run is asked to end: some
//! other node has called the job lost, and may have given it to a new run. Any node looks for jobs whose lease is
//! over: its own are taken up again; what becomes of those of others is decided by their kind of work (`work/mod.rs`).
//!
//! A job can be canceled at any node; the one that holds it learns so from its state, at the word that the store
//! passes on and at every beat.

use std::time::Duration;

use jiff::Timestamp;
use model::Job;
use tokio::time::{sleep, timeout};

use crate::{
    Engine,
    claimed::{Claimed, Origin},
    held::HeldRun,
    jobs::Error,
};

/// How many beats a lease lasts: three may be late or lost.
const BEATS: u32 = 4;
/// How many expired leases are looked at in one go.
const EXPIRED: u32 = 100;
/// How often at most the states of held jobs are read, however much is told of them.
const LOOK_AT_MOST_EVERY: Duration = Duration::from_millis(100);

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

    /// Beats for ever.
    pub(crate) async fn beat(self) {
        loop {
            sleep(self.beat_every()).await;
            for held in self.inner.held.list() {
                let beaten = match self.lease().await {
                    Ok((_, until)) => self.store().beat(held.job, held.fence, until).await,
                    Err(error) => Err(error),
                };
                match beaten {
                    Ok(()) => {}
                    Err(store::Error::Stale { .. }) => self.end_if_taken(held).await,
                    Err(error) => {
                        tracing::warn!(job.id = %held.job, %error, "the lease could not be renewed")
                    }
                }
            }
        }
    }

    /// A claim can be over because the job ended well just now; only one that another node took ends the run.
    async fn end_if_taken(&self, held: HeldRun) {
        let HeldRun { run, job, fence, kind } = held;
        match self.store().job(job).await {
            Ok(Some(now)) if now.fence == fence => {}
            Ok(_) if !self.inner.held.has(run) => {}
            Ok(_) => {
                tracing::warn!(job.id = %job, run.id = %run, "the claim is over; ending the run");
                self.ask_to_stop(kind, run);
            }
            Err(error) => tracing::warn!(job.id = %job, %error, "the job cannot be read; looking again"),
        }
    }

    /// Passes on for ever what any node asked of the runs that this one holds.
    pub(crate) async fn heed(self) {
        loop {
            // An error here is the timer: a word may have been lost.
            let _ = timeout(self.beat_every(), self.inner.held.changed.notified()).await;
            if self.inner.held.list().is_empty() {
                continue;
            }
            match self.store().canceling(&self.options().node).await {
                Ok(runs) => {
                    for held in runs.into_iter().filter_map(|run| self.inner.held.get(run)) {
                        self.ask_to_stop(held.kind, held.run);
                        // The process that canceled it may have been killed before it canceled these.
                        if let Err(error) = self.cancel_children(held.job).await {
                            tracing::warn!(job.id = %held.job, %error, "its children could not be canceled");
                        }
                    }
                }
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

    /// A job that was taken over: this node's own goes on, of another node's its kind of work decides.
    pub(crate) async fn take_up(self, job: Job) {
        let Some(run) = job.run else { return };
        if job.node.as_deref() == Some(&self.options().node) {
            let hold = self.hold(&job, run);
            // Of its own jobs it finds here those of which it never learned that it has them.
            let origin =
                if self.inner.held.was_unsure_of(run) { Origin::Unanswered } else { Origin::Started };
            let slot = self.inner.slots.take_if_free();
            self.carry_through(Claimed { job, run, origin, slot, _hold: hold }).await;
            return;
        }
        self.holder_is_gone(job).await;
    }
}
