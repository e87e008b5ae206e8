//! Lists of jobs: newest first, by what they are, page by page.

use jiff::Timestamp;
use model::{ContentKind, ContentName, ContentRef, JobId, JobRequest, JobState, JobSummary};
use sqlx::any::AnyRow;

use crate::{
    Error, Store,
    columns::{json, number, time},
    jobs::{read_summary, summary_columns},
    select::Select,
};

const LAST_SUCCESSES: &str = "SELECT tasks, started_at, finished_at, request FROM jobs WHERE kind = $1 AND name = $2 \
     AND state = 'succeeded' AND resume IS NULL AND attempt > 0 AND started_at IS NOT NULL ORDER BY finished_at DESC LIMIT $3";

/// Which jobs to return; the default returns none, because the limit is 0.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobQuery {
    /// Only those older than this one, by its creation and id: where the page before ended.
    pub before: Option<(Timestamp, JobId)>,
    /// Only those in this state.
    pub state: Option<JobState>,
    /// Only the children of this job.
    pub parent: Option<JobId>,
    /// Only those that run this kind of content.
    pub kind: Option<ContentKind>,
    /// Only those that run content of this name.
    pub name: Option<ContentName>,
    /// Only those with this label; with a value, only where it is the label's.
    pub label: Option<(String, Option<String>)>,
    /// Only those that were accepted at this time or later.
    pub created_after: Option<Timestamp>,
    /// Only those that were accepted before this time.
    pub created_before: Option<Timestamp>,
    /// The maximum number of jobs.
    pub limit: u32,
}

/// How a run of some content went, for guessing how the next one will.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastSuccess {
    /// How many tasks it had.
    pub tasks: u64,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
}

impl Store {
    /// Jobs, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn jobs(&self, query: &JobQuery) -> Result<Vec<JobSummary>, Error> {
        let rows = query.select()?.fetch_all(&self.pool).await?;
        rows.iter().map(read_summary).collect()
    }

    /// The last successful runs of this content, the latest first, each with its request: not every one did the same.
    /// Resumed runs are left out.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn last_successes(
        &self,
        content: &ContentRef,
        limit: u32,
    ) -> Result<Vec<(JobRequest, LastSuccess)>, Error> {
        let select = sqlx::query(LAST_SUCCESSES).bind(content.kind().as_str());
        let rows =
            select.bind(content.name().to_string()).bind(i64::from(limit)).fetch_all(&self.pool).await?;
        let read = |row: &AnyRow| {
            let last = LastSuccess {
                tasks: number(row, "tasks")?,
                started_at: time(row, "started_at")?,
                finished_at: time(row, "finished_at")?,
            };
            Ok((json(row, "request")?, last))
        };
        rows.iter().map(read).collect()
    }
}

impl JobQuery {
    /// Labels carry the time and id of their job, so that for every query one index has the page in order.
    fn select(&self) -> Result<Select, Error> {
        let mut select = Select::new(concat!("SELECT ", summary_columns!(), " FROM "));
        let order = match &self.label {
            None => {
                select.text("jobs WHERE 1 = 1");
                Order::JOBS
            }
            Some((key, value)) => {
                // CROSS JOIN is a join like others, but SQLite does not turn it around.
                select.text("job_labels CROSS JOIN jobs WHERE jobs.id = job_labels.job_id");
                select.text(" AND job_labels.key = ").value(key.clone())?;
                if let Some(value) = value {
                    select.text(" AND job_labels.value = ").value(value.clone())?;
                }
                Order::LABELS
            }
        };
        let words = [
            (" AND jobs.state = ", self.state.map(JobState::as_str)),
            (" AND jobs.kind = ", self.kind.map(ContentKind::as_str)),
            (" AND jobs.name = ", self.name.as_ref().map(ContentName::as_str)),
        ];
        for (condition, word) in words {
            if let Some(word) = word {
                select.text(condition).value(word.to_owned())?;
            }
        }
        if let Some(parent) = self.parent {
            select.text(" AND jobs.parent = ").value(parent.to_string())?;
        }
        // Identifiers are lower-case hexadecimal with hyphens at fixed places: every collation has the same order.
        if let Some((time, id)) = self.before {
            select.text(order.before).text(" < (").value(time.as_millisecond())?;
            select.text(", ").value(id.to_string())?.text(")");
        }
        for (comparison, time) in [(" >= ", self.created_after), (" < ", self.created_before)] {
            if let Some(time) = time {
                select.text(order.time).text(comparison).value(time.as_millisecond())?;
            }
        }
        select.text(order.by).text(" LIMIT ").value(i64::from(self.limit))?;
        Ok(select)
    }
}

/// The columns that a page is in the order of.
struct Order {
    before: &'static str,
    time: &'static str,
    by: &'static str,
}

impl Order {
    const JOBS: Self = Self {
        before: " AND (jobs.created_at, jobs.id)",
        time: " AND jobs.created_at",
        by: " ORDER BY jobs.created_at DESC, jobs.id DESC",
    };
    const LABELS: Self = Self {
        before: " AND (job_labels.created_at, job_labels.job_id)",
        time: " AND job_labels.created_at",
        by: " ORDER BY job_labels.created_at DESC, job_labels.job_id DESC",
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::plan;

    #[tokio::test]
    async fn every_page_of_jobs_comes_from_an_index_in_order() {
        let id: JobId = "0190a8d2-7c3f-7a51-9f0e-2b6f5f0f4d11".parse().expect("an id");
        let all = JobQuery { before: Some((Timestamp::UNIX_EPOCH, id)), limit: 50, ..JobQuery::default() };
        let since = JobQuery { created_after: Some(Timestamp::UNIX_EPOCH), ..all.clone() };
        let state = JobQuery { state: Some(JobState::Failed), ..all.clone() };
        let content = JobQuery {
            kind: Some(ContentKind::Bundle),
            name: Some("ping".parse().expect("a name")),
            ..all.clone()
        };
        let children = JobQuery { parent: Some(id), ..all.clone() };
        let label = JobQuery { label: Some(("team".to_owned(), None)), ..all.clone() };
        let value = JobQuery { label: Some(("team".to_owned(), Some("red".to_owned()))), ..since.clone() };
        let everything = JobQuery { state: state.state, kind: content.kind, ..value.clone() };
        for (query, index) in [
            (all, "jobs_by_time"),
            (since, "jobs_by_time"),
            (state, "jobs_by_state"),
            (content, "jobs_by_content"),
            (children, "jobs_by_parent"),
            (label, "job_labels_by_key"),
            (value, "job_labels_by_value"),
            (everything, "job_labels_by_value"),
        ] {
            let plan = plan(query.select().expect("a statement").sql()).await;
            let is_direct = !plan.contains("TEMP B-TREE") && !plan.contains("SCAN");
            assert!(is_direct && plan.contains(index), "{query:?}\n{plan}");
        }
        assert!(plan(LAST_SUCCESSES).await.contains("jobs_by_end"));
    }
}
