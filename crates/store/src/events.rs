//! Events: numbered on their way in, read in order.
//!
//! Numbers are given while the job's row is held: whoever writes an event first changes that row, and on both
//! databases only one transaction at a time can have done so. `jobs.last_seq` is always the number of the last
//! event, so that the next number needs no look at the events.

use std::{collections::HashSet, fmt::Write as _, sync::LazyLock};

use model::{Draft, Event, JobId, RunId};
use sqlx::{AnyConnection, any::AnyRow, query::Query};

use crate::{
    Error, Store, Write,
    columns::{json, number, parsed, text, text_or_null, time, to_bound, to_json, to_number, to_text},
};

/// How many rows one statement inserts, largest first. A batch is cut into as few of these as will do, so that a
/// connection prepares only these four statements whatever the sizes of batches. 64 rows are 578 parameters, far
/// below the limits (32,766 on SQLite); much longer statements gain nothing, because sqlx asks SQLite for the name
/// of each parameter, and SQLite finds it by going through all of them.
const CHUNKS: [usize; 4] = [64, 16, 4, 1];

static INSERTS: LazyLock<[String; CHUNKS.len()]> = LazyLock::new(|| CHUNKS.map(insert_statement));

/// Takes the job's row, unless the claim is no longer the one that the run belongs to.
const HOLD: &str =
    "UPDATE jobs SET last_seq = last_seq WHERE id = $1 AND fence = $2 AND run_id = $3 RETURNING last_seq";

const SELECT: &str = "SELECT seq, time, kind, host, play, task, stdout, data FROM events \
     WHERE job_id = $1 AND seq > $2 ORDER BY seq LIMIT $3";

const SELECT_LINES: &str = "SELECT seq, stdout FROM events \
     WHERE job_id = $1 AND seq > $2 AND stdout IS NOT NULL ORDER BY seq LIMIT $3";

/// An event with its number in its run, where it is of one.
type Numbered<'a> = (Option<i64>, &'a Draft);

impl Store {
    /// Appends events of a job's current run, each with its number in that run, and gives the number of the
    /// job's last event. Those that are stored already are skipped, so taking over the same events twice is
    /// harmless. All of them are stored, or none.
    ///
    /// # Errors
    /// [`Error::Stale`] when the job is not under this claim, or under this claim has another run.
    pub async fn append_events(
        &self,
        job: JobId,
        fence: u64,
        run: RunId,
        drafts: &[(u64, Draft)],
    ) -> Result<u64, Error> {
        let mut write = self.write().await?;
        let hold = sqlx::query(HOLD).bind(job.to_string()).bind(to_bound(fence)).bind(run.to_string());
        let Some(row) = hold.fetch_optional(write.connection()).await? else {
            write.rollback().await?;
            return Err(Error::Stale { job });
        };
        let last: u64 = number(&row, "last_seq")?;
        let fresh = unknown(&mut write, run, drafts).await?;
        if fresh.is_empty() {
            write.rollback().await?;
            return Ok(last);
        }
        insert(write.connection(), job, to_number("seq", last + 1)?, Some(run), &fresh).await?;
        let last = last + fresh.len() as u64;
        let update = sqlx::query("UPDATE jobs SET last_seq = $1 WHERE id = $2");
        update.bind(to_number("seq", last)?).bind(job.to_string()).execute(write.connection()).await?;
        write.commit().await?;
        Ok(last)
    }

    /// The events of a job after a number, in order: at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn events(&self, job: JobId, after: u64, limit: u32) -> Result<Vec<Event>, Error> {
        let select = sqlx::query(SELECT).bind(job.to_string()).bind(to_bound(after)).bind(i64::from(limit));
        select.fetch_all(&self.pool).await?.iter().map(read).collect()
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
}

/// Those of the drafts that are not stored yet, each once.
async fn unknown<'a>(
    write: &mut Write,
    run: RunId,
    drafts: &'a [(u64, Draft)],
) -> Result<Vec<Numbered<'a>>, Error> {
    let numbers = drafts.iter().map(|(run_seq, _)| *run_seq);
    let (Some(first), Some(last)) = (numbers.clone().min(), numbers.max()) else {
        return Ok(Vec::new());
    };
    let select = sqlx::query("SELECT run_seq FROM events WHERE run_id = $1 AND run_seq BETWEEN $2 AND $3")
        .bind(run.to_string())
        .bind(to_number("run_seq", first)?)
        .bind(to_number("run_seq", last)?);
    let rows = select.fetch_all(write.connection()).await?;
    let mut known: HashSet<i64> = rows.iter().map(|row| number(row, "run_seq")).collect::<Result<_, _>>()?;
    let mut fresh = Vec::with_capacity(drafts.len());
    for (run_seq, draft) in drafts {
        let run_seq = to_number("run_seq", *run_seq)?;
        if known.insert(run_seq) {
            fresh.push((Some(run_seq), draft));
        }
    }
    Ok(fresh)
}

/// Stores an event of the job itself.
pub(crate) async fn insert_one(
    connection: &mut AnyConnection,
    job: JobId,
    seq: i64,
    draft: &Draft,
) -> Result<(), Error> {
    insert(connection, job, seq, None, &[(None, draft)]).await
}

async fn insert(
    connection: &mut AnyConnection,
    job: JobId,
    mut seq: i64,
    run: Option<RunId>,
    mut rows: &[Numbered<'_>],
) -> Result<(), Error> {
    let (job, run) = (job.to_string(), run.map(|run| run.to_string()));
    for (size, statement) in CHUNKS.into_iter().zip(&*INSERTS) {
        while let Some((chunk, rest)) = rows.split_at_checked(size) {
            let mut query = sqlx::query(statement.as_str()).bind(job.as_str()).bind(run.as_deref());
            for numbered in chunk {
                query = bind(query, seq, numbered)?;
                seq += 1;
            }
            query.execute(&mut *connection).await?;
            rows = rest;
        }
    }
    Ok(())
}

type Insert<'q> = Query<'q, sqlx::Any, sqlx::any::AnyArguments>;

fn bind<'q>(query: Insert<'q>, seq: i64, (run_seq, draft): &Numbered<'_>) -> Result<Insert<'q>, Error> {
    let clean = |text: &Option<String>| text.as_deref().map(|text| to_text(text).into_owned());
    Ok(query
        .bind(seq)
        .bind(*run_seq)
        .bind(draft.time.as_millisecond())
        .bind(draft.kind.to_string())
        .bind(clean(&draft.host))
        .bind(clean(&draft.play))
        .bind(clean(&draft.task))
        .bind(clean(&draft.stdout))
        .bind(to_json("data", &draft.data)?))
}

/// The job and the run are the same for all rows: `$1` and `$2`. Each row adds the parameters of [`bind`].
fn insert_statement(rows: usize) -> String {
    let mut sql =
        "INSERT INTO events (job_id, run_id, seq, run_seq, time, kind, host, play, task, stdout, data) \
                   VALUES "
            .to_owned();
    for row in 0..rows {
        sql.push_str(if row == 0 { "($1, $2" } else { ", ($1, $2" });
        for parameter in 0..9 {
            // Writing to a `String` does not fail.
            let _ = write!(sql, ", ${}", 3 + row * 9 + parameter);
        }
        sql.push(')');
    }
    sql
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
