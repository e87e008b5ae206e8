//! Leases: who works on a job says so every few seconds; who stops saying so has lost it.
//!
//! A node beats for every run it follows. When the store says that a claim is over, the run is asked to end: some
//! other node has called the job lost, and may have given it to a new run. Any node looks for jobs whose lease is
//! over: its own are taken up again, those of others are lost.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use model::{Code, Ending, Job, JobId, Outcome, Phase, Reason, RunId};

use crate::{Engine, jobs::Error};

/// How long a claim holds without a beat.
const LEASE: Duration = Duration::from_secs(30);
/// How often a node beats, and looks for leases that are over.
const BEAT: Duration = Duration::from_secs(8);
/// How many expired leases are looked at in one go.
const EXPIRED: u32 = 100;

/// The runs that this node follows, with the claims under which it does.
#[derive(Debug, Default)]
pub(crate) struct Held(Mutex<HashMap<JobId, (u64, RunId)>>);

impl Held {
    fn list(&self) -> Vec<(JobId, u64, RunId)> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.iter().map(|(job, (fence, run))| (*job, *fence, *run)).collect()
    }

    fn holds(&self, job: JobId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&job)
    }
}

/// As long as this lives, the node beats for the job.
#[derive(Debug)]
pub(crate) struct Hold {
    engine: Engine,
    job: JobId,
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.engine.inner.held.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.job);
    }
}

impl Engine {
    /// The end of a lease that begins now, by the clock that all nodes share.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn lease(&self) -> Result<(Timestamp, Timestamp), store::Error> {
        let now = self.store().clock().await?;
        Ok((now, now.checked_add(LEASE).unwrap_or(Timestamp::MAX)))
    }

    pub(crate) fn hold(&self, job: &Job, run: RunId) -> Hold {
        let mut held = self.inner.held.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.insert(job.id, (job.fence, run));
        Hold { engine: self.clone(), job: job.id }
    }

    /// Beats for ever.
    pub(crate) async fn beat(self) {
        loop {
            tokio::time::sleep(BEAT).await;
            for (job, fence, run) in self.inner.held.list() {
                let beaten = match self.lease().await {
                    Ok((_, until)) => self.store().beat(job, fence, until).await,
                    Err(error) => Err(error),
                };
                match beaten {
                    Ok(()) => {}
                    Err(store::Error::Stale { .. }) => {
                        tracing::warn!(job.id = %job, "the claim is over; ending the run");
                        self.ask_to_stop(run);
                    }
                    Err(error) => tracing::warn!(job.id = %job, %error, "the lease could not be renewed"),
                }
            }
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
            if self.inner.held.holds(job.id) {
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
            tokio::time::sleep(BEAT).await;
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
            self.follow_through(job, run).await;
            return;
        }
        let node = job.node.clone().unwrap_or_default();
        let message = format!("node `{node}`, which ran it, has not been heard of for {} s", LEASE.as_secs());
        let reason = Reason::new(Some(Phase::Run), Code::NodeGone, message);
        let outcome = Outcome::without_run(Ending::Lost, reason, crate::clock::now());
        if let Err(error) = self.record_end(&job, &outcome).await {
            tracing::error!(job.id = %job.id, %error, "the end of the job cannot be recorded");
        }
    }
}
