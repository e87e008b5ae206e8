//! Events on their way in: numbered within their job, and among the events of all jobs.
//!
//! Numbers are assigned while the job's row is locked: every writer of an event first changes that row, and on both
//! databases only one transaction at a time can have done so. `jobs.last_seq` is always the number of the last
//! event, so that the next number can be assigned without reading the events. Positions over all jobs come from one row in the
//! same way; it is taken last and held until the commit, so that a reader that has seen a position has seen all positions before it.

use std::{collections::HashSet, sync::LazyLock};

use model::{Draft, JobId, RunId};
use sqlx::query::Query;

use crate::{
    Backend, Error, Store, Write,
    columns::{number, to_bound, to_json, to_number, to_text},
    states::active,
};

/// How many rows one statement inserts, largest first. A batch is split into as few of these as possible, so that a
/// connection prepares only these four statements for batches of any size. 64 rows are 960 parameters, far
/// below the limits (32,766 on SQLite, 65,535 on PostgreSQL).
const CHUNKS: [usize; 4] = [64, 16, 4, 1];

/// On SQLite parameters have no names: sqlx queries the name of each one, and SQLite searches all of them for a name, which
/// took a third of the time of a whole insert.
static INSERTS_SQLITE: LazyLock<[String; CHUNKS.len()]> =
    LazyLock::new(|| CHUNKS.map(|rows| insert_statement(rows, |_| "?".to_owned())));
static INSERTS_POSTGRES: LazyLock<[String; CHUNKS.len()]> =
    LazyLock::new(|| CHUNKS.map(|rows| insert_statement(rows, |number| format!("${number}"))));

/// Parameters of each row.
const PER_ROW: usize = 15;

/// Takes the job's row, unless the claim is no longer the one that the run belongs to, or the job has ended: its
/// last event is that of its end.
const HOLD: &str = concat!(
    "UPDATE jobs SET last_seq = last_seq WHERE id = $1 AND fence = $2 AND run_id = $3 AND ",
    active!(),
    " RETURNING last_seq, line_end"
);

const COUNT_UP: &str = "UPDATE jobs SET last_seq = $1, line_end = $2, bytes = bytes + $3, tasks = tasks + $4 \
     WHERE id = $5";

/// Where the events of a job end so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tail {
    /// The number of the last one.
    pub(crate) seq: u64,
    /// The number of the last printed line.
    pub(crate) line_end: u64,
}

/// An event with its number in its run, where it is of one.
type Numbered<'a> = (Option<i64>, &'a Draft);

impl Store {
    /// Appends events of a job's current run, each with its number in that run, and returns the number of the
    /// job's last event. Those that are stored already are skipped, so taking over the same events twice is
    /// harmless. All of them are stored, or none.
    ///
    /// # Errors
    /// [`Error::Stale`] when the job is not under this claim, under this claim has another run, or has ended.
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
        let tail = Tail { seq: number(&row, "last_seq")?, line_end: number(&row, "line_end")? };
        let fresh = unknown(&mut write, run, drafts).await?;
        if fresh.is_empty() {
            write.rollback().await?;
            return Ok(tail.seq);
        }
        let last = append(&mut write, job, tail, Some(run), &fresh).await?;
        write.commit().await?;
        Ok(last)
    }

    /// How many events of a run are stored.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn event_count(&self, run: RunId) -> Result<u64, Error> {
        let count = sqlx::query("SELECT COUNT(*) AS events FROM events WHERE run_id = $1");
        number(&count.bind(run.to_string()).fetch_one(&self.pool).await?, "events")
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

/// Stores an event of the job itself, and returns its number.
pub(crate) async fn append_one(
    write: &mut Write,
    job: JobId,
    tail: Tail,
    draft: &Draft,
) -> Result<u64, Error> {
    append(write, job, tail, None, &[(None, draft)]).await
}

/// Stores events of a job whose row is locked, and returns the number of the last one. Notifies listeners.
async fn append(
    write: &mut Write,
    job: JobId,
    tail: Tail,
    run: Option<RunId>,
    events: &[Numbered<'_>],
) -> Result<u64, Error> {
    let mut line_end = tail.line_end;
    let rows: Vec<Row<'_>> =
        events.iter().map(|event| Row::new(event, &mut line_end)).collect::<Result<_, _>>()?;
    let last = tail.seq + events.len() as u64;
    insert(write, job, to_number("seq", tail.seq + 1)?, run, &rows).await?;
    let tasks = events.iter().filter(|(_, draft)| draft.is_task_start()).count();
    let bytes: usize = rows.iter().map(Row::bytes).sum();
    sqlx::query(COUNT_UP)
        .bind(to_number("seq", last)?)
        .bind(to_number("line_end", line_end)?)
        .bind(to_number("bytes", bytes as u64)?)
        .bind(to_number("tasks", tasks as u64)?)
        .bind(job.to_string())
        .execute(write.connection())
        .await?;
    write.notify(job).await?;
    Ok(last)
}

async fn insert(
    write: &mut Write,
    job: JobId,
    mut seq: i64,
    run: Option<RunId>,
    mut rows: &[Row<'_>],
) -> Result<(), Error> {
    let (job, run) = (job.to_string(), run.map(|run| run.to_string()));
    let mut position = next_position(write, rows.len()).await?;
    let statements = match write.backend {
        Backend::Sqlite => &*INSERTS_SQLITE,
        Backend::Postgres => &*INSERTS_POSTGRES,
    };
    for (size, statement) in CHUNKS.into_iter().zip(statements) {
        while let Some((chunk, rest)) = rows.split_at_checked(size) {
            let mut query = sqlx::query(statement.as_str());
            for row in chunk {
                query = query.bind(job.as_str()).bind(run.as_deref()).bind(seq).bind(position);
                query = bind(query, row);
                seq += 1;
                position += 1;
            }
            query.execute(write.connection()).await?;
            rows = rest;
        }
    }
    Ok(())
}

/// Reserves positions for this number of events, and returns the first. Until this write ends, all other writers of events wait.
async fn next_position(write: &mut Write, events: usize) -> Result<i64, Error> {
    let events = to_number("position", events as u64)?;
    let update = sqlx::query("UPDATE event_position SET last = last + $1 RETURNING last").bind(events);
    let last: i64 = number(&update.fetch_one(write.connection()).await?, "last")?;
    Ok(last - events + 1)
}

/// An event with all that is computed for its columns.
struct Row<'a> {
    run_seq: Option<i64>,
    draft: &'a Draft,
    data: String,
    line_end: i64,
}

impl<'a> Row<'a> {
    /// Counts the lines that the event prints.
    fn new((run_seq, draft): &Numbered<'a>, line_end: &mut u64) -> Result<Self, Error> {
        *line_end += draft.stdout.as_deref().map_or(0, lines);
        let data = to_json("data", &draft.data)?;
        Ok(Self { run_seq: *run_seq, draft, data, line_end: to_number("line_end", *line_end)? })
    }

    /// About what the event takes in the database, indexes aside.
    fn bytes(&self) -> usize {
        let Draft { time: _, kind, host, play, task, stdout, data: _ } = self.draft;
        let texts = [host, play, task, stdout].into_iter().flatten().map(String::len).sum::<usize>();
        // The columns with numbers, and two identifiers.
        texts + kind.as_str().len() + self.data.len() + 120
    }
}

/// How many lines a text is that is printed with a line end after it.
pub(crate) fn lines(stdout: &str) -> u64 {
    1 + stdout.bytes().filter(|byte| *byte == b'\n').count() as u64
}

type Insert<'q> = Query<'q, sqlx::Any, sqlx::any::AnyArguments>;

fn bind<'q>(query: Insert<'q>, row: &'q Row<'_>) -> Insert<'q> {
    let clean = |text: &Option<String>| text.as_deref().map(|text| to_text(text).into_owned());
    query
        .bind(row.run_seq)
        .bind(row.draft.time.as_millisecond())
        .bind(row.draft.kind.to_string())
        .bind(clean(&row.draft.host))
        .bind(clean(&row.draft.play))
        .bind(clean(&row.draft.task))
        .bind(i64::from(row.draft.is_changed()))
        .bind(i64::from(row.draft.is_failed()))
        .bind(row.line_end)
        .bind(clean(&row.draft.stdout))
        .bind(row.data.as_str())
}

/// Job, run, number and position, then the parameters of [`bind`], for each row. `parameter` writes the one of a number.
fn insert_statement(rows: usize, parameter: impl Fn(usize) -> String) -> String {
    let row = |row: usize| {
        let parameters: Vec<String> = (1..=PER_ROW).map(|number| parameter(row * PER_ROW + number)).collect();
        format!("({})", parameters.join(", "))
    };
    let rows: Vec<String> = (0..rows).map(row).collect();
    format!(
        "INSERT INTO events (job_id, run_id, seq, position, run_seq, time, kind, host, play, task, changed, failed, \
         line_end, stdout, data) VALUES {}",
        rows.join(", ")
    )
}
