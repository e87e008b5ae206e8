//! What the engine asks of a kind of work.
//!
//! ```text
//!  submit: check     claim: begin, carry_on     cancel: ask_to_stop     end stored: clean_up
//!  lease over: holder_is_gone     claim lost: abandon     start of the service: sweep
//! ```
//! Everything else of the engine (queue, claims, leases, slots, transitions, retries) knows no kind. There are two traits,
//! because jobs need the one ([`Control`]), and work may need jobs, such as children, for the other ([`Execution`]).

use std::{collections::HashSet, fmt, pin::Pin, sync::Arc};

use model::{Job, Outcome, Reason, RunId, Work, WorkKind};

use super::claimed::Claimed;
use crate::error::{CatalogError, JobError};

/// What a method of a kind of work returns.
pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What is asked of a kind of work beside its execution.
pub(crate) trait Control: fmt::Debug + Send + Sync {
    /// Can the work be done, as far as is known before it is?
    ///
    /// # Errors
    /// Why it cannot.
    fn check<'a>(&'a self, work: &'a Work) -> BoxFuture<'a, Result<(), CatalogError>>;

    /// Asks for the end of an attempt. It may be held by another node, which learns of it from the state of the job.
    fn ask_to_stop(&self, run: RunId);
}

/// How a kind of work is executed.
pub(crate) trait Execution: fmt::Debug + Send + Sync {
    /// Begins the work on a job that was just claimed. The service does not end before this returns.
    ///
    /// # Errors
    /// The reason why the job fails before anything is done.
    fn begin<'a>(&'a self, claimed: &'a Claimed) -> BoxFuture<'a, Result<(), Box<Reason>>>;

    /// Carries work to its end, from wherever it is: it may have been begun by another process. Work that needs no process
    /// of its own is done here, under the lease that the claim renews; work that waits for children releases the slot of
    /// its claim meanwhile.
    ///
    /// # Errors
    /// [`store::Error::Stale`] when the claim is over. A store that does not answer is asked again.
    fn carry_on<'a>(&'a self, claimed: &'a Claimed) -> BoxFuture<'a, Result<Finished, JobError>>;

    /// Removes what an attempt needed whose end is stored.
    fn clean_up(&self, run: RunId);

    /// Ends an attempt whose job another node has now, and removes what it needed. Nothing is recorded: the store would
    /// reject it.
    fn abandon(&self, run: RunId) -> BoxFuture<'_, ()>;

    /// Decides what becomes of a job that was taken over from a node whose lease is over.
    fn holder_is_gone(&self, job: &Job) -> Takeover;

    /// Removes what processes before this one left, except for the attempts that are `needed`; returns others that
    /// run nevertheless.
    fn sweep(&self, needed: HashSet<RunId>) -> BoxFuture<'_, Vec<RunId>>;
}

/// How the work on a claimed job finished.
#[derive(Debug)]
pub(crate) enum Finished {
    /// It ended, and that is to be recorded.
    With(Box<Outcome>),
    /// The job waits again, and that is recorded.
    Requeued,
}

/// What becomes of a job whose holder is gone.
#[derive(Debug)]
pub(crate) enum Takeover {
    /// It ended.
    End(Box<Outcome>),
    /// It is continued here: the work is safe to repeat.
    Continue,
}

/// By kind of work: one object each.
#[derive(Debug)]
pub(crate) struct ByKind<T: ?Sized>(Vec<(WorkKind, Arc<T>)>);

/// What controls each kind of work.
pub(crate) type Controls = ByKind<dyn Control>;

/// What executes each kind of work.
pub(crate) type Executions = ByKind<dyn Execution>;

impl<T: ?Sized> ByKind<T> {
    /// One object for every kind.
    pub(crate) fn new(of: impl Fn(WorkKind) -> Arc<T>) -> Self {
        Self(WorkKind::ALL.iter().map(|kind| (*kind, of(*kind))).collect())
    }

    pub(crate) fn of(&self, kind: WorkKind) -> &T {
        // In the order of `ALL`, which is that of the variants.
        &self.0[kind as usize].1
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (WorkKind, &T)> {
        self.0.iter().map(|(kind, object)| (*kind, &**object))
    }
}

impl<T: ?Sized> Clone for ByKind<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}
