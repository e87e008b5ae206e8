//! Rows of earlier versions are read and written as before.
//!
//! `tests/fixtures/rows_6.json` holds the rows of a service with the tables of migration 6, which was killed while two
//! of its jobs ran and three waited.

use std::collections::BTreeMap;

use model::{JobId, JobState};
use serde_json::{Map, Value};
use sqlx::{
    AnyPool, AssertSqlSafe, Executor, SqlSafeStr,
    any::install_default_drivers,
    migrate::{Migration, MigrationType, Migrator},
};
use store::{EventQuery, JobQuery, Options, Store};

use crate::samples::{claim, moved};

const ROWS: &str = include_str!("../fixtures/rows_6.json");
const MIGRATIONS: [&str; 6] = [
    include_str!("../../migrations/0001_jobs_runs_events.sql"),
    include_str!("../../migrations/0002_access.sql"),
    include_str!("../../migrations/0003_secrets.sql"),
    include_str!("../../migrations/0004_never_began.sql"),
    include_str!("../../migrations/0005_warnings.sql"),
    include_str!("../../migrations/0006_owners.sql"),
];
/// Tables that others refer to come first.
const TABLES: [&str; 7] = ["jobs", "waits", "locks", "runs", "job_labels", "idempotency", "events"];

type Rows = BTreeMap<String, Vec<Map<String, Value>>>;

fn rows() -> Rows {
    serde_json::from_str(ROWS).expect("rows")
}

fn literal(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => format!("'{}'", text.replace('\'', "''")),
        other => panic!("no column holds {other}"),
    }
}

/// Makes the database of an earlier version: an empty one becomes that.
async fn fill(url: &str) {
    install_default_drivers();
    let pool = AnyPool::connect(url).await.expect("the database answers");
    let migration = |(version, sql): (i64, &'static str)| {
        Migration::new(version, version.to_string().into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    let migrator = Migrator::with_migrations((1..).zip(MIGRATIONS).map(migration).collect());
    migrator.run(&pool).await.expect("migrated");
    let mut rows = rows();
    for table in TABLES {
        for row in rows.remove(table).expect("a table") {
            let columns: Vec<&str> = row.keys().map(String::as_str).collect();
            let values: Vec<String> = row.values().map(literal).collect();
            let insert =
                format!("INSERT INTO {table} ({}) VALUES ({})", columns.join(", "), values.join(", "));
            pool.execute(AssertSqlSafe(insert)).await.expect("stored");
        }
    }
    assert!(rows.is_empty(), "{:?} are not stored", rows.keys());
    pool.execute("UPDATE event_position SET last = 10000").await.expect("stored");
    pool.close().await;
}

/// Opens the database of an earlier version.
async fn open(url: String) -> Store {
    fill(&url).await;
    Store::open(Options { url, max_connections: 4 }).await.expect("opened")
}

fn column<'a>(row: &'a Map<String, Value>, name: &str) -> &'a str {
    row[name].as_str().expect("a text")
}

pub(crate) async fn jobs_of_an_earlier_version_read_back_to_the_byte(url: String) {
    let store = open(url).await;
    let rows = rows();
    let listed = store.jobs(&JobQuery { limit: 100, ..JobQuery::default() }).await.expect("listed");
    assert_eq!(listed.len(), rows["jobs"].len());
    for row in &rows["jobs"] {
        let id: JobId = column(row, "id").parse().expect("an id");
        let job = store.job(id).await.expect("read").expect("there");
        assert_eq!(job.state.as_str(), column(row, "state"));
        assert_eq!(serde_json::to_string(&job.request).expect("JSON"), column(row, "request"));
        assert_eq!(job.request.work.subject(), (column(row, "kind"), column(row, "name")));
        let outcome = job.outcome.map(|outcome| serde_json::to_string(&outcome).expect("JSON"));
        assert_eq!(outcome.as_deref(), row["outcome"].as_str());
        let events = store.events(id, &EventQuery::after(0, 1000)).await.expect("read");
        let stored = rows["events"].iter().filter(|event| column(event, "job_id") == column(row, "id"));
        let stored: Vec<&str> = stored.map(|event| column(event, "data")).collect();
        let read: Vec<String> = events.iter().map(|event| event.draft.data.to_string()).collect();
        assert_eq!(read, stored);
    }
    for row in &rows["runs"] {
        let attempts = store.attempts(column(row, "job_id").parse().expect("an id")).await.expect("read");
        let run = attempts.iter().find(|attempt| attempt.run.to_string() == column(row, "id"));
        let outcome = run.expect("the run").outcome.as_ref();
        let outcome = outcome.map(|outcome| serde_json::to_string(outcome).expect("JSON"));
        assert_eq!(outcome.as_deref(), row["outcome"].as_str());
    }
    store.close().await;
}

pub(crate) async fn resources_of_an_earlier_version_stay_locked_and_waited_for(url: String) {
    let store = open(url).await;
    let queue = store.queue(100).await.expect("read");
    let waiting: BTreeMap<String, usize> =
        queue.iter().map(|entry| (entry.work.subject().1.to_owned(), entry.waiting.blockers.len())).collect();
    assert_eq!(waiting, [("generic".to_owned(), 0), ("ping".to_owned(), 1)].into());
    let blocked = queue.iter().find(|entry| !entry.waiting.blockers.is_empty()).expect("one waits");
    let blocker = &blocked.waiting.blockers[0];
    assert!(blocker.holds && blocker.resource.as_str() == "vm:a/1", "{blocker:?}");
    let mut free: Vec<JobId> = Vec::new();
    while let Some(job) = claim(&store).await {
        free.push(job.id);
    }
    assert_eq!(free.len(), 2);
    let unfinished = store.running().await.expect("read");
    for running in unfinished.iter().filter(|running| !free.contains(&running.job.id)) {
        let job = store.job(running.job.id).await.expect("read").expect("there");
        moved(&store, &job, JobState::Failed, crate::samples::at(9)).await;
    }
    assert_eq!(claim(&store).await.map(|job| job.id), Some(blocked.id));
    store.close().await;
}
