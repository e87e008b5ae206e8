//! Deletion of old jobs.

use model::{JobId, JobState};
use serde_json::json;
use sqlx::{Executor, Row};
use store::{EventQuery, JobQuery, Retention, Store};

use crate::{
    database::Database,
    samples::{at, claim, drafts, full_job, insert, insert_asking, insert_queued, moved, running},
};

/// A job that ended at this time, with this number of events.
async fn ended(store: &Store, finished_at: i64, events: u64) -> JobId {
    insert_queued(store, at(0)).await;
    let job = claim(store).await.expect("a job is queued");
    let run = job.run.expect("a run");
    store.append_events(job.id, job.fence, run, &drafts(1..=events)).await.expect("stored");
    moved(store, &job, JobState::Succeeded, at(finished_at)).await.id
}

pub(crate) async fn pruning_takes_only_finished_jobs(database: Database) {
    let store = &database.store;
    let mut jobs = Vec::new();
    for finished_at in [100, 300, 200, 400] {
        jobs.push(ended(store, finished_at, 100).await);
    }
    let (first, second, third, fourth) = (jobs[0], jobs[2], jobs[1], jobs[3]);
    let (active, _) = running(store).await;
    moved(store, &running(store).await.0, JobState::Canceling, at(20)).await;
    insert_queued(store, at(0)).await;

    // A job of a hundred events is between 10 and 25 kB.
    let none = Retention::default();
    for (retention, expected) in [
        (none, vec![]),
        (Retention { older_than: Some(at(300)), ..none }, vec![first, second]),
        (Retention { keep: Some(3), ..none }, vec![first]),
        (Retention { keep: Some(0), ..none }, vec![first, second, third, fourth]),
        (Retention { keep: Some(4), bytes: Some(1_000_000), ..none }, vec![]),
        (Retention { bytes: Some(50_000), ..none }, vec![first, second]),
        (Retention { older_than: Some(at(101)), keep: Some(2), bytes: Some(50_000) }, vec![first, second]),
    ] {
        let found = store.prune_candidates(&retention, 10).await.expect("read");
        assert_eq!(found, expected, "{retention:?}");
    }
    let all = Retention { keep: Some(0), ..none };
    assert_eq!(store.prune_candidates(&all, 2).await.expect("read"), [first, second]);
    assert!(!store.delete_job(active.id).await.expect("asked"));
    for job in store.prune_candidates(&all, 10).await.expect("read") {
        assert!(store.delete_job(job).await.expect("deleted"));
    }
    assert_eq!(store.counts().await.expect("counted").values().sum::<u64>(), 3);
}

pub(crate) async fn a_deleted_job_leaves_nothing(database: Database) {
    let store = &database.store;
    let kept = ended(store, 10, 3).await;
    let labels = json!({"labels": {"team": "red"}, "resources": ["vm:a"]});
    insert_asking(store, at(0), &labels).await;
    let job = claim(store).await.expect("a job is queued");
    // More than one chunk.
    store.append_events(job.id, job.fence, job.run.expect("a run"), &drafts(1..=2500)).await.expect("stored");
    assert!(!store.delete_job(job.id).await.expect("the job is running"));
    moved(store, &job, JobState::Succeeded, at(20)).await;

    assert!(store.delete_job(job.id).await.expect("deleted"));
    assert!(!store.delete_job(job.id).await.expect("nothing to delete"));

    assert_eq!(store.job(job.id).await.expect("read"), None);
    let mut connection = database.connection().await;
    for (table, left) in [
        ("jobs", 1),
        ("runs", 1),
        ("events", 6),
        ("job_labels", 0),
        ("waits", 0),
        ("resource_locks", 0),
        ("resource_holders", 0),
        ("deletions", 0),
    ] {
        let count = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"));
        let count: i64 = connection.fetch_one(count).await.expect("counted").get(0);
        assert_eq!(count, left, "{table}");
    }
    assert_eq!(store.events(kept, &EventQuery::after(0, 10)).await.expect("read").len(), 6);
}

pub(crate) async fn a_job_that_goes_is_seen_whole_or_not_at_all(database: Database) {
    let store = &database.store;
    let id = ended(store, 10, 4000).await;
    let reader = database.other_store().await;
    let reading = {
        let reader = reader.clone();
        let first = JobQuery { limit: 1, ..JobQuery::default() };
        tokio::spawn(async move {
            loop {
                let events = reader.events(id, &EventQuery::after(0, 5000)).await.expect("read");
                let lines = reader.event_lines(id, 0, 5000).await.expect("read");
                let all = reader.all_events(&EventQuery::after(0, 5000)).await.expect("read");
                for (found, whole) in [(events.len(), 4003), (lines.len(), 4000), (all.len(), 4003)] {
                    assert!(found == 0 || found == whole, "{found} of {whole}");
                }
                if reader.jobs(&first).await.expect("listed").is_empty() {
                    break;
                }
                assert_eq!(events.len(), 4003);
            }
        })
    };
    assert!(store.delete_job(id).await.expect("deleted"));
    reading.await.expect("nothing else was seen");
    reader.close().await;
}

pub(crate) async fn a_deletion_that_was_broken_off_is_finished_later(database: Database) {
    let store = &database.store;
    let id = ended(store, 10, 5).await;
    insert(store, &full_job()).await;
    // As if the process had died after it deleted the job and before it deleted its events.
    let mut connection = database.connection().await;
    for statement in [
        format!("INSERT INTO deletions (job_id) VALUES ('{id}')"),
        format!("DELETE FROM runs WHERE job_id = '{id}'"),
        format!("DELETE FROM jobs WHERE id = '{id}'"),
    ] {
        connection.execute(sqlx::AssertSqlSafe(statement)).await.expect("done");
    }
    assert_eq!(store.events(id, &EventQuery::after(0, 10)).await.expect("read"), []);
    assert_eq!(store.finish_deletions().await.expect("cleared"), 1);
    assert_eq!(store.finish_deletions().await.expect("cleared"), 0);
    let events: i64 = connection.fetch_one("SELECT COUNT(*) FROM events").await.expect("counted").get(0);
    assert_eq!(events, 1);
}
