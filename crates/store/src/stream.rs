//! Events on their way out: of one job or of all, filtered, and as lines of a log.
//!
//! Nothing is returned of a deleted job, so that a reader never sees half of a job that is being deleted.

use model::{Draft, Event, EventKind, JobId};
use sqlx::any::AnyRow;

use crate::{
    Error, Store,
    columns::{json, number, parsed, text, text_or_null, time, to_bound, to_text},
    events::lines,
    select::Select,
};

macro_rules! event_columns {
    () => {
        "seq, time, kind, host, play, task, stdout, data"
    };
}

macro_rules! is_there {
    () => {
        " AND EXISTS (SELECT 1 FROM jobs WHERE jobs.id = events.job_id)"
    };
}

const SELECT_LINES: &str = concat!(
    "SELECT seq, stdout FROM events WHERE job_id = $1 AND seq > $2 AND stdout IS NOT NULL",
    is_there!(),
    " ORDER BY seq LIMIT $3"
);

const SELECT_LINE: &str = concat!(
    "SELECT seq, line_end, stdout FROM events WHERE job_id = $1 AND line_end >= $2 AND stdout IS NOT NULL",
    is_there!(),
    " ORDER BY line_end LIMIT 1"
);

/// Which events are wanted. Those of one job are counted by their number, those of all by their position.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventQuery {
    /// Only those after this number or position.
    pub after: u64,
    /// Only those up to this one. A follower of filtered events reads up to the event that was last at that time, and
    /// continues from there: so no event is read twice, however rare the matching ones are.
    pub until: Option<u64>,
    /// Maximum number of events.
    pub limit: u32,
    /// Only those about this host.
    pub host: Option<String>,
    /// Only those of this task, by its whole name.
    pub task: Option<String>,
    /// Only those of this kind.
    pub kind: Option<EventKind>,
    /// Only those that report a change.
    pub changed: bool,
    /// Only those that report a failure; with `changed`, those that report either.
    pub failed: bool,
}

impl EventQuery {
    /// Everything after a number or position, at most `limit`.
    #[must_use]
    pub fn after(after: u64, limit: u32) -> Self {
        Self { after, limit, ..Self::default() }
    }

    fn filter(&self, select: &mut Select) -> Result<(), Error> {
        let texts = [
            (" AND host = ", self.host.as_deref()),
            (" AND task = ", self.task.as_deref()),
            (
                " AND kind = ",
                self.kind.as_ref().filter(|kind| **kind != EventKind::WARNING).map(EventKind::as_str),
            ),
        ];
        for (condition, text) in texts {
            if let Some(text) = text {
                select.text(condition).value(to_text(text).into_owned())?;
            }
        }
        // Constants, so that the indexes of just these events can be used.
        if self.kind == Some(EventKind::WARNING) {
            select.text(" AND kind = 'warning'");
        }
        match (self.changed, self.failed) {
            (true, true) => select.text(" AND (changed = 1 OR failed = 1)"),
            (true, false) => select.text(" AND changed = 1"),
            (false, true) => select.text(" AND failed = 1"),
            (false, false) => select,
        };
        Ok(())
    }
}

/// The position of a line in a job's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogPlace {
    /// The event that printed it.
    pub seq: u64,
    /// The number of the first line which that event printed.
    pub first_line: u64,
}

impl Store {
    /// Events of a job, in order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn events(&self, job: JobId, query: &EventQuery) -> Result<Vec<Event>, Error> {
        let rows = select_of_job(job, query)?.fetch_all(&self.pool).await?;
        rows.iter().map(read).collect()
    }

    /// Events of all jobs with their positions and jobs, in the order in which they were stored. Positions count
    /// 1, 2, 3 ...; those of deleted jobs are missing afterwards. After an event has been seen, none with a
    /// smaller position ever comes.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn all_events(&self, query: &EventQuery) -> Result<Vec<(u64, JobId, Event)>, Error> {
        let rows = select_of_all(query)?.fetch_all(&self.pool).await?;
        rows.iter().map(|row| Ok((number(row, "position")?, parsed(row, "job_id")?, read(row)?))).collect()
    }

    /// The position of the last event of all, 0 before the first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn last_position(&self) -> Result<u64, Error> {
        let select = sqlx::query("SELECT last FROM event_position");
        number(&select.fetch_one(&self.pool).await?, "last")
    }

    /// Number and text of a job's events that printed something, after a number and in order: at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn event_lines(&self, job: JobId, after: u64, limit: u32) -> Result<Vec<(u64, String)>, Error> {
        let select =
            sqlx::query(SELECT_LINES).bind(job.to_string()).bind(to_bound(after)).bind(i64::from(limit));
        let rows = select.fetch_all(&self.pool).await?;
        rows.iter().map(|row| Ok((number(row, "seq")?, text(row, "stdout")?))).collect()
    }

    /// How many lines a job has printed; `None` when there is no such job. The text of an event is as many lines
    /// as it has line ends, and one more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn line_count(&self, job: JobId) -> Result<Option<u64>, Error> {
        let select = sqlx::query("SELECT line_end FROM jobs WHERE id = $1").bind(job.to_string());
        let row = select.fetch_optional(&self.pool).await?;
        row.as_ref().map(|row| number(row, "line_end")).transpose()
    }

    /// The position of a line, by its number from 1; `None` if fewer lines have been printed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn log_place(&self, job: JobId, line: u64) -> Result<Option<LogPlace>, Error> {
        let select = sqlx::query(SELECT_LINE).bind(job.to_string()).bind(to_bound(line.max(1)));
        let Some(row) = select.fetch_optional(&self.pool).await? else { return Ok(None) };
        let line_end: u64 = number(&row, "line_end")?;
        let first_line = (line_end + 1).saturating_sub(lines(&text(&row, "stdout")?));
        Ok(Some(LogPlace { seq: number(&row, "seq")?, first_line }))
    }
}

fn select_of_job(job: JobId, query: &EventQuery) -> Result<Select, Error> {
    let mut select = Select::new(concat!("SELECT ", event_columns!(), " FROM events WHERE job_id = "));
    select.value(job.to_string())?.text(" AND seq > ").value(to_bound(query.after))?;
    if let Some(until) = query.until {
        select.text(" AND seq <= ").value(to_bound(until))?;
    }
    query.filter(&mut select)?;
    select.text(concat!(is_there!(), " ORDER BY seq LIMIT ")).value(i64::from(query.limit))?;
    Ok(select)
}

fn select_of_all(query: &EventQuery) -> Result<Select, Error> {
    let mut select =
        Select::new(concat!("SELECT position, job_id, ", event_columns!(), " FROM events WHERE position > "));
    select.value(to_bound(query.after))?;
    if let Some(until) = query.until {
        select.text(" AND position <= ").value(to_bound(until))?;
    }
    query.filter(&mut select)?;
    select.text(concat!(is_there!(), " ORDER BY position LIMIT ")).value(i64::from(query.limit))?;
    Ok(select)
}

fn read(row: &AnyRow) -> Result<Event, Error> {
    Ok(Event {
        seq: number(row, "seq")?,
        draft: Draft {
            time: time(row, "time")?,
            kind: parsed(row, "kind")?,
            host: text_or_null(row, "host")?,
            play: text_or_null(row, "play")?,
            task: text_or_null(row, "task")?,
            stdout: text_or_null(row, "stdout")?,
            data: json(row, "data")?,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::plan;
    use model::JobId;

    #[tokio::test]
    async fn every_page_of_events_comes_from_an_index_in_order() {
        let id: JobId = "0190a8d2-7c3f-7a51-9f0e-2b6f5f0f4d11".parse().expect("an id");
        let all = EventQuery { until: Some(9), ..EventQuery::after(1, 10) };
        let host = EventQuery { host: Some("web".to_owned()), failed: true, ..all.clone() };
        let task = EventQuery { task: Some("x".to_owned()), ..all.clone() };
        let kind = EventQuery { kind: Some(EventKind::VERBOSE), ..all.clone() };
        let changed = EventQuery { changed: true, ..all.clone() };
        let failed = EventQuery { failed: true, ..all.clone() };
        let both = EventQuery { changed: true, ..failed.clone() };
        for query in [&all, &host, &task, &kind, &changed, &failed, &both] {
            for (select, column) in [
                (select_of_job(id, query).expect("a statement"), "seq"),
                (select_of_all(query).expect("a statement"), "position"),
            ] {
                let plan = plan(select.sql()).await;
                let is_bounded = plan.contains(&format!("{column}>? AND {column}<?"));
                assert!(is_bounded && !plan.contains("TEMP B-TREE"), "{}\n{plan}", select.sql());
            }
        }
        for (query, index) in [(&host, "host"), (&changed, "changed"), (&failed, "failed")] {
            let plan = plan(select_of_job(id, query).expect("a statement").sql()).await;
            assert!(plan.contains(&format!("events_{index}")) || plan.contains("events_by_host"), "{plan}");
        }
        for (statement, index) in [(SELECT_LINES, "events"), (SELECT_LINE, "events_by_line")] {
            let plan = plan(statement).await;
            assert!(plan.contains(index) && !plan.contains("TEMP B-TREE"), "{plan}");
        }
    }
}
