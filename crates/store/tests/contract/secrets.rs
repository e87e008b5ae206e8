//! Sealed secrets: kept with their job, wiped by a move, put under another key.

use model::{Job, JobState};
use store::{JobMove, Store};

use crate::{
    database::Database,
    samples::{at, event_of, insert, job_move, queued, sealed},
};

async fn insert_sealed(store: &Store, key: &str) -> Job {
    let job = Job { secrets: Some(sealed(key)), ..queued(at(0)) };
    insert(store, &job).await;
    job
}

pub(crate) async fn secrets_are_kept_until_a_move_wipes_them(database: Database) {
    let store = &database.store;
    let job = insert_sealed(store, "0a1b2c3d").await;
    let event = event_of(JobState::Canceled);
    let end = job_move(&job, JobState::Canceled, at(20), &event);
    let kept = store.move_job(&end).await.expect("moved");
    assert_eq!(kept.secrets, job.secrets);
    let event = event_of(JobState::Queued);
    let again = store.move_job(&job_move(&kept, JobState::Queued, at(21), &event)).await.expect("moved");
    let end = JobMove { wipes_secrets: true, ..job_move(&again, JobState::Canceled, at(22), &event) };
    assert_eq!(store.move_job(&end).await.expect("moved").secrets, None);
    assert_eq!(store.job(job.id).await.expect("read").expect("there").secrets, None);
}

pub(crate) async fn secrets_are_found_by_their_key_and_sealed_anew(database: Database) {
    let store = &database.store;
    insert(store, &queued(at(0))).await;
    let (old, new) = ("0a1b2c3d", "ffffffff");
    let jobs =
        [insert_sealed(store, old).await, insert_sealed(store, new).await, insert_sealed(store, old).await];
    let counts = [(old.to_owned(), 2), (new.to_owned(), 1)];
    assert_eq!(store.sealed_by_key().await.expect("counted"), counts.into());

    let first = store.sealed_otherwise(new, None, 1).await.expect("read");
    assert_eq!(first, [(jobs[0].id, sealed(old))]);
    let rest = store.sealed_otherwise(new, Some(jobs[0].id), 10).await.expect("read");
    assert_eq!(rest, [(jobs[2].id, sealed(old))]);

    assert!(store.reseal(jobs[0].id, &sealed(old), &sealed(new)).await.expect("written"));
    assert!(!store.reseal(jobs[0].id, &sealed(old), &sealed(new)).await.expect("nothing to write"));
    assert_eq!(store.job(jobs[0].id).await.expect("read").expect("there").secrets, Some(sealed(new)));
}
