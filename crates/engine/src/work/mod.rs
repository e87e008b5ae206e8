//! What differs by kind of work, each as one function that chooses by the kind.
//!
//! ```text
//!  submit: check_work     claim: begin, carry_on     cancel: ask_to_stop     end stored: clean_up
//!  lease over: holder_is_gone     claim lost: abandon     start of the service: sweep
//! ```
//! Everything else of the engine (queue, claims, leases, slots, moves, retries) knows no kind. A kind that needs no
//! supervisor does its work in `carry_on` itself, under the lease that the hold of its claim renews; one that waits for child
//! jobs calls [`Engine::wait_for_children`] with the slot of its claim; one that is safe to repeat takes the job over in
//! `holder_is_gone` where a playbook is lost.

pub(crate) mod kind;
mod playbook;

use std::collections::HashSet;

use model::{Job, JobRequest, Outcome, Reason, RunId, Work};

use crate::{Engine, claimed::Claimed, jobs::Error};
use kind::Kind;

/// How the work on a claimed job finished.
#[derive(Debug)]
pub(crate) enum Finished {
    /// It ended, and that is to be recorded.
    With(Box<Outcome>),
    /// The job waits again, and that is recorded.
    Requeued,
}

impl Engine {
    /// Can what is requested be done, as far as is known before it is?
    ///
    /// # Errors
    /// Why it cannot.
    pub(crate) async fn check_work(&self, request: &JobRequest) -> Result<(), Error> {
        match &request.work {
            Work::Playbook(work) => self.check_playbook(work).await,
        }
    }

    /// Begins the work on a job that was just claimed. The service does not end before this returns.
    ///
    /// # Errors
    /// The reason why the job fails before anything is done.
    pub(crate) async fn begin(&self, claimed: &Claimed) -> Result<(), Box<Reason>> {
        match claimed.kind() {
            Kind::Playbook => self.begin_playbook(claimed).await,
        }
    }

    /// Carries work to its end, from wherever it is: it may have been begun by another process.
    ///
    /// # Errors
    /// [`store::Error::Stale`] when the claim is over. A store that does not answer is asked again.
    pub(crate) async fn carry_on(&self, claimed: &Claimed) -> Result<Finished, Error> {
        match claimed.kind() {
            Kind::Playbook => self.follow_playbook(claimed).await,
        }
    }

    /// Asks for the end of an attempt. It may be held by another node, which learns of it from the state of the job.
    pub(crate) fn ask_to_stop(&self, kind: Kind, run: RunId) {
        match kind {
            Kind::Playbook => self.ask_supervisor_to_stop(run),
        }
    }

    /// Removes what an attempt needed whose end is stored.
    pub(crate) fn clean_up(&self, kind: Kind, run: RunId) {
        match kind {
            Kind::Playbook => self.remove_run_directory(run),
        }
    }

    /// Ends an attempt whose job is no longer ours, and removes what it needed. Nothing is recorded: the store would
    /// refuse it.
    pub(crate) async fn abandon(&self, kind: Kind, run: RunId) {
        match kind {
            Kind::Playbook => self.abandon_playbook(run).await,
        }
    }

    /// Decides what becomes of a job that was taken over from a node whose lease is over.
    pub(crate) async fn holder_is_gone(&self, job: Job) {
        match Kind::of(&job.request.work) {
            Kind::Playbook => self.lose_playbook(&job).await,
        }
    }

    /// Removes what processes before this one left, except for the attempts that are `needed`; returns others that
    /// go on nevertheless.
    pub(crate) async fn sweep(&self, needed: HashSet<RunId>) -> Vec<(Kind, RunId)> {
        let runs = self.sweep_runs(needed).await;
        runs.into_iter().map(|run| (Kind::Playbook, run)).collect()
    }
}
