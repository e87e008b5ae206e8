//! Children: jobs that another job submitted as part of its work.

use model::JobId;

use crate::{
    Error, Store, Write,
    columns::{parsed, text_or_null, to_bound},
};

/// Writes the row of the parent without a change: a concurrent cancel or end waits, and then finds the child.
const OF_RUNNING: &str = "UPDATE jobs SET fence = fence WHERE id = $1 AND fence = $2 AND state = 'running' \
     RETURNING owner";

const UNFINISHED: &str =
    "SELECT id FROM jobs WHERE parent = $1 AND finished_at IS NULL ORDER BY created_at, id";

impl Store {
    /// The children of a job that have not ended, in the order in which they were submitted.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn unfinished_children(&self, parent: JobId) -> Result<Vec<JobId>, Error> {
        let select = sqlx::query(UNFINISHED).bind(parent.to_string());
        select.fetch_all(&self.pool).await?.iter().map(|row| parsed(row, "id")).collect()
    }
}

/// The caller's mark of a job that runs under this claim, as far as the caller is known; `None` when it does not run.
pub(crate) async fn of_running(
    write: &mut Write,
    parent: JobId,
    fence: u64,
) -> Result<Option<Option<String>>, Error> {
    let update = sqlx::query(OF_RUNNING).bind(parent.to_string()).bind(to_bound(fence));
    let row = update.fetch_optional(write.connection()).await?;
    row.map(|row| text_or_null(&row, "owner")).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::plan;

    #[tokio::test]
    async fn children_are_found_by_an_index() {
        let plan = plan(UNFINISHED).await;
        assert!(plan.contains("jobs_by_parent") && !plan.contains("TEMP B-TREE"), "{plan}");
        assert!(OF_RUNNING.contains(&format!("state = '{}'", model::JobState::Running)));
    }
}
