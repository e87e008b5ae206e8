//! What the content of a job lists now.

use content::catalog;
use model::Job;

use super::inspections::{Inspections, OnBehalf};
use crate::{error::CatalogError, task_list::TaskList};

impl Inspections {
    /// The tasks that the content of a job lists. The job ran it, so programs that print passwords are executed for this,
    /// too. Work that is no playbook lists none.
    pub(crate) async fn tasks_of_job(&self, by: &OnBehalf, job: &Job) -> Result<TaskList, CatalogError> {
        let Some(work) = job.request.work.as_playbook() else { return Ok(TaskList::default()) };
        let by = OnBehalf { may_run: true, ..by.clone() };
        match self.look_into(&by, work.project.as_ref(), &work.content).await {
            Ok(inspection) => Ok(TaskList::new(inspection, work)),
            // The content is gone: a new attempt will say so.
            Err(
                CatalogError::Content(catalog::Error::NotFound { .. }) | CatalogError::UnknownProject { .. },
            ) => Ok(TaskList::default()),
            Err(error) => Err(error),
        }
    }
}
