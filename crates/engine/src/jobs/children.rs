//! Children: jobs that another job submits as part of its own work.
//!
//! A child is a regular job: it waits in the queue, uses a slot, and has events and an outcome. Its parent is
//! running when it submits the child, ends after it, and holds no slot while it waits. Canceling the parent cancels
//! its children.

use std::time::Duration;

use model::{Actor, Job, JobId, JobRequest};

use super::{handle::Jobs, submit::Submitter};
use crate::{backoff::Backoff, clock, error::JobError, slots::Slot};

impl Jobs {
    /// Accepts a child of a job under the claim that the caller holds. It shares queue turns with the submitter of
    /// its parent, and acts on behalf of the same actor.
    ///
    /// As [`Self::submit`]; [`store::Error::Stale`] when the parent no longer runs under that claim.
    pub async fn submit_child(&self, parent: &Job, request: JobRequest) -> Result<Job, JobError> {
        let submitter = Submitter { actor: Actor::Service, mark: None };
        Ok(self.accept(clock::new_job_id(), request, None, &submitter, Some(parent)).await?.into_job())
    }

    /// Waits until all children of a job have ended. Its slot is free for them in the meantime.
    ///
    /// # Errors
    /// When the store does not respond.
    pub async fn wait_for_children(&self, parent: JobId, slot: &Slot) -> Result<(), JobError> {
        if self.inner().store.unfinished_children(parent).await?.is_empty() {
            return Ok(());
        }
        slot.release_while(self.children_end(parent)).await
    }

    async fn children_end(&self, parent: JobId) -> Result<(), JobError> {
        while let Some(&child) = self.inner().store.unfinished_children(parent).await?.first() {
            match self.wait(child, Duration::MAX).await {
                // A child that was deleted had ended before.
                Ok(_) | Err(JobError::UnknownJob(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Like [`Self::wait_for_children`], for a job whose outcome is about to be recorded. Retries while the store
    /// does not respond.
    pub(crate) async fn children_have_ended(&self, parent: JobId, slot: &Slot) -> Result<(), JobError> {
        let mut backoff = Backoff::new(parent);
        while let Err(error) = self.wait_for_children(parent, slot).await {
            backoff.after(error).await?;
        }
        Ok(())
    }
}
