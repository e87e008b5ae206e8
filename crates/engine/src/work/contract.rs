//! The traits that a kind of work implements.
//!
//! ```text
//!  submit: check     claim: begin, carry_on     cancel: ask_to_stop     end stored: clean_up
//!  lease over: holder_has_exited     claim lost: abandon     start of the service: sweep
//! ```
//! The rest of the engine (queue, claims, leases, slots, transitions, retries) is independent of the kind of work.
//! There are two traits to avoid a cycle: jobs depend on [`Control`], while an [`Execution`] may depend on jobs,
//! for example to submit children.

use std::{collections::HashSet, fmt, pin::Pin, sync::Arc};

use model::{Job, Outcome, Reason, RunId, Work, WorkKind};

use super::claimed::Claimed;
use crate::error::{CatalogError, JobError};

/// The return type of asynchronous trait methods.
pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Operations of a kind of work other than its execution.
pub(crate) trait Control: fmt::Debug + Send + Sync {
    /// Checks that the work can be done, as far as this can be determined in advance.
    ///
    /// # Errors
    /// When the work cannot be done.
    fn check<'a>(&'a self, work: &'a Work) -> BoxFuture<'a, Result<(), CatalogError>>;

    /// Requests that an attempt stops. If another node holds it, that node reads the request from the state of the
    /// job.
    fn ask_to_stop(&self, run: RunId);
}

/// How a kind of work is executed.
pub(crate) trait Execution: fmt::Debug + Send + Sync {
    /// Starts the work on a job that was just claimed. The service does not end before this returns.
    ///
    /// # Errors
    /// The reason if the job fails before the work starts.
    fn begin<'a>(&'a self, claimed: &'a Claimed) -> BoxFuture<'a, Result<(), Box<Reason>>>;

    /// Continues work to its end from its current state, which another process may have reached. Work without a
    /// separate process is done here, under the lease of the claim. Work that waits for children releases the slot
    /// of its claim in the meantime.
    ///
    /// # Errors
    /// [`store::Error::Stale`] when the claim has ended. Failures of the store are retried.
    fn carry_on<'a>(&'a self, claimed: &'a Claimed) -> BoxFuture<'a, Result<Finished, JobError>>;

    /// Removes the resources of an attempt whose outcome is stored.
    fn clean_up(&self, run: RunId);

    /// Stops an attempt whose job another node has taken over, and removes its resources. Nothing is recorded,
    /// because the store would reject it.
    fn abandon(&self, run: RunId) -> BoxFuture<'_, ()>;

    /// Decides how to proceed with a job that was taken over from a node whose lease has expired.
    fn holder_has_exited(&self, job: &Job) -> Takeover;

    /// Removes the leftovers of previous processes, except for the `needed` attempts. Returns other attempts that
    /// are still running.
    fn sweep(&self, needed: HashSet<RunId>) -> BoxFuture<'_, Vec<RunId>>;
}

/// How the work on a claimed job finished.
#[derive(Debug)]
pub(crate) enum Finished {
    /// The work ended, and the outcome must be recorded.
    With(Box<Outcome>),
    /// The job was queued again, which is already recorded.
    Requeued,
}

/// How to proceed with a job whose holder has stopped.
#[derive(Debug)]
pub(crate) enum Takeover {
    /// Record this outcome.
    End(Box<Outcome>),
    /// Continue on this node, because the work is safe to repeat.
    Continue,
}

/// One object per kind of work.
#[derive(Debug)]
pub(crate) struct ByKind<T: ?Sized>(Vec<(WorkKind, Arc<T>)>);

/// The [`Control`] of each kind of work.
pub(crate) type Controls = ByKind<dyn Control>;

/// The [`Execution`] of each kind of work.
pub(crate) type Executions = ByKind<dyn Execution>;

impl<T: ?Sized> ByKind<T> {
    /// Creates one object for each kind.
    pub(crate) fn new(of: impl Fn(WorkKind) -> Arc<T>) -> Self {
        Self(WorkKind::ALL.iter().map(|kind| (*kind, of(*kind))).collect())
    }

    pub(crate) fn of(&self, kind: WorkKind) -> &T {
        // The objects are in the order of `ALL`, which is the order of the variants.
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
