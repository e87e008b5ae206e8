//! Children: jobs that another job submits as a part of its own work.
//!
//! A child is a job like any other: it waits in the queue, takes a slot, has events and an outcome. Its parent runs when it
//! is submitted, ends after it, and holds no slot while it waits for it. Canceling the parent cancels its children.

use std::time::Duration;

use model::{Actor, Job, JobId, JobRequest};

use super::{handle::Jobs, submit::Submitter};
use crate::{backoff::Backoff, error::JobError, slots::Slot};

impl Jobs {
    /// Accepts a child of a job under the claim that the caller has of it. It has its turns in the queue with the caller
    /// of its parent, and acts for whom its parent acts for.
    ///
    /// # Errors
    /// As [`Self::submit`]; [`store::Error::Stale`] when the parent does not run under that claim anymore.
    pub async fn submit_child(&self, parent: &Job, request: JobRequest) -> Result<Job, JobError> {
        let submitter = Submitter { actor: Actor::Service, mark: None };
        Ok(self.accept(request, None, &submitter, Some(parent)).await?.into_job())
    }

    /// Waits until all children of a job have ended; its slot is free for them meanwhile.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn wait_for_children(&self, parent: JobId, slot: &Slot) -> Result<(), JobError> {
        if self.inner().store.unfinished_children(parent).await?.is_empty() {
            return Ok(());
        }
        slot.release_while(self.children_end(parent)).await
    }

    async fn children_end(&self, parent: JobId) -> Result<(), JobError> {
        while let Some(&child) = self.inner().store.unfinished_children(parent).await?.first() {
            match self.wait(child, Duration::MAX).await {
                // It was deleted: it had ended.
                Ok(_) | Err(JobError::UnknownJob(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The same for a job whose end is about to be recorded: a store that does not answer is asked again.
    pub(crate) async fn children_have_ended(&self, parent: JobId, slot: &Slot) -> Result<(), JobError> {
        let mut backoff = Backoff::new(parent);
        while let Err(error) = self.wait_for_children(parent, slot).await {
            backoff.after(error).await?;
        }
        Ok(())
    }
}
