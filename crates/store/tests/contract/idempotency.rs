//! Idempotency keys: two requests with one key create one job.

use std::collections::BTreeSet;

use model::JobState;
use sqlx::{Executor, Row};
use store::{Error, IdempotencyKey, Inserted};
use tokio::task::JoinSet;

use crate::{
    database::Database,
    samples::{at, claim, event_of, moved, queued},
};

fn key(key: &str, body: u8) -> IdempotencyKey {
    IdempotencyKey { key: key.to_owned(), body_hash: [body; 32] }
}

pub(crate) async fn one_idempotency_key_gives_one_job_under_concurrency(database: Database) {
    let other = database.other_store().await;
    let mut callers = JoinSet::new();
    for number in 0..32 {
        let store = if number % 2 == 0 { database.store.clone() } else { other.clone() };
        callers.spawn(async move {
            let job = queued(at(number));
            match store
                .insert_job(
                    &job,
                    &event_of(JobState::Queued),
                    Some(&key("k", 1)),
                    store::Admission::default(),
                )
                .await
                .expect("asked")
            {
                Inserted::New => (job.id, true),
                Inserted::Same(id) => (id, false),
                Inserted::Conflict(_) => panic!("the body is the same"),
                Inserted::Full(_) => panic!("there is no limit"),
            }
        });
    }
    let answers = callers.join_all().await;
    assert_eq!(answers.iter().filter(|(_, is_new)| *is_new).count(), 1);
    let ids: BTreeSet<_> = answers.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(database.store.counts().await.expect("counted"), [(JobState::Queued, 1)].into());
    assert_eq!(database.store.last_position().await.expect("read"), 1);
    other.close().await;
}

pub(crate) async fn a_key_with_another_body_conflicts_and_stores_nothing(database: Database) {
    let store = &database.store;
    let ask = |key: Option<IdempotencyKey>| async move {
        let job = queued(at(0));
        let answer = store
            .insert_job(&job, &event_of(JobState::Queued), key.as_ref(), store::Admission::default())
            .await;
        (job.id, answer)
    };
    let (first, answer) = ask(Some(key("k", 1))).await;
    assert_eq!(answer.expect("asked"), Inserted::New);
    assert_eq!(ask(Some(key("k", 2))).await.1.expect("asked"), Inserted::Conflict(first));
    assert_eq!(ask(Some(key("k", 1))).await.1.expect("asked"), Inserted::Same(first));
    assert_eq!(ask(Some(key("l", 1))).await.1.expect("asked"), Inserted::New);
    assert_eq!(ask(None).await.1.expect("asked"), Inserted::New);
    let longest = "é".repeat(127);
    assert_eq!(ask(Some(key(&longest, 1))).await.1.expect("asked"), Inserted::New);
    for bad in [format!("{longest}é"), "\0".to_owned()] {
        let refused = ask(Some(key(&bad, 1))).await.1;
        assert!(matches!(refused, Err(Error::Unstorable { column: "key", .. })), "{refused:?}");
    }
    assert_eq!(store.counts().await.expect("counted"), [(JobState::Queued, 4)].into());
}

pub(crate) async fn a_key_goes_with_its_job(database: Database) {
    let store = &database.store;
    let ask = |job: model::Job| async move {
        store
            .insert_job(&job, &event_of(JobState::Queued), Some(&key("k", 1)), store::Admission::default())
            .await
            .expect("asked")
    };
    assert_eq!(ask(queued(at(0))).await, Inserted::New);
    let job = claim(store).await.expect("a job is queued");
    moved(store, &job, JobState::Succeeded, at(9)).await;
    assert_eq!(ask(queued(at(10))).await, Inserted::Same(job.id));
    assert!(store.delete_job(job.id).await.expect("deleted"));
    assert_eq!(ask(queued(at(11))).await, Inserted::New);
    let mut connection = database.connection().await;
    let keys: i64 = connection.fetch_one("SELECT COUNT(*) FROM idempotency").await.expect("counted").get(0);
    assert_eq!(keys, 1);
}
