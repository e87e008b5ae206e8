//! Deletes jobs that have ended.

use model::JobId;

use super::handle::Jobs;
use crate::error::JobError;

impl Jobs {
    /// Deletes a job that has ended, with its runs and events.
    ///
    /// # Errors
    /// When the job does not exist, or has not ended.
    pub async fn delete(&self, id: JobId) -> Result<(), JobError> {
        let job = self.get(id).await?;
        if !job.state.is_terminal() {
            return Err(JobError::NotEnded { job: id, state: job.state });
        }
        let inner = self.inner();
        inner.store.delete_job(id).await?;
        inner.artifacts.remove(id).await;
        inner.changes.publish(id);
        Ok(())
    }
}
