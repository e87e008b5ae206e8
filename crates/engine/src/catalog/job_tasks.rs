//! Lists the current tasks of a job's content.

use content::catalog;
use model::Job;

use super::inspections::{Inspections, OnBehalf};
use crate::{error::CatalogError, task_list::TaskList};

impl Inspections {
    /// Lists the tasks of a job's content. The job has already run that content, so password programs are executed
    /// here, too. Work other than a playbook has no tasks.
    pub(crate) async fn tasks_of_job(&self, by: &OnBehalf, job: &Job) -> Result<TaskList, CatalogError> {
        let Some(work) = job.request.work.as_playbook() else { return Ok(TaskList::default()) };
        let by = OnBehalf { may_run: true, ..by.clone() };
        match self.inspect(&by, work.project.as_ref(), &work.content).await {
            Ok(inspection) => Ok(TaskList::new(inspection, work)),
            // The content was deleted. A new attempt reports that.
            Err(
                CatalogError::Content(catalog::Error::NotFound { .. }) | CatalogError::UnknownProject { .. },
            ) => Ok(TaskList::default()),
            Err(error) => Err(error),
        }
    }
}
