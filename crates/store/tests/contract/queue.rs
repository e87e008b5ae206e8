//! The order of the queue, and how it is shown.

use model::{Holder, JobState, Priority};
use serde_json::json;
use store::{Blocker, QueueEntry, RunningJob, Waiting};

use crate::{
    database::Database,
    samples::{at, claim, claim_as, insert_asking, insert_queued, moved, summary},
};

const MINUTE: i64 = Priority::POINT_MS;

pub(crate) async fn priority_goes_before_age(database: Database) {
    let store = &database.store;
    let low = insert_asking(store, at(0), &json!({"priority": -3})).await;
    let usual = insert_queued(store, at(1)).await;
    let high = insert_asking(store, at(2), &json!({"priority": 2})).await;
    for expected in [high, usual, low] {
        assert_eq!(claim(store).await.map(|job| job.id), Some(expected.id));
    }
}

pub(crate) async fn age_beats_priority_in_the_end(database: Database) {
    let store = &database.store;
    let patient = insert_asking(store, at(0), &json!({"priority": -100})).await;
    // Each is more urgent than all others by 200 points: 200 minutes of waiting.
    let urgent = json!({"priority": 100});
    let sooner = insert_asking(store, at(200 * MINUTE - 1), &urgent).await;
    let later = insert_asking(store, at(200 * MINUTE + 1), &urgent).await;
    for expected in [sooner, patient, later] {
        assert_eq!(claim(store).await.map(|job| job.id), Some(expected.id));
    }
}

pub(crate) async fn a_retried_job_waits_from_its_retry_on(database: Database) {
    let store = &database.store;
    insert_queued(store, at(0)).await;
    let job = claim(store).await.expect("a job is queued");
    let between = insert_queued(store, at(15)).await;
    let failed = moved(store, &job, JobState::Failed, at(10)).await;
    let again = moved(store, &failed, JobState::Queued, at(20)).await;
    assert_eq!((again.queued_at, again.attempt), (at(20), 1));
    for expected in [between, again] {
        assert_eq!(claim(store).await.map(|job| job.id), Some(expected.id));
    }
}

pub(crate) async fn the_queue_shows_which_job_waits_for_which(database: Database) {
    let store = &database.store;
    let lock = json!({"resources": ["vm:a", "vm:b"]});
    insert_asking(store, at(0), &lock).await;
    let holder = claim_as(store, "there", at(99)).await.expect("a job is queued");
    let second = insert_asking(store, at(2), &lock).await;
    let first = insert_asking(store, at(3), &json!({"priority": 1})).await;
    let third = insert_asking(store, at(4), &json!({"resources": ["vm:b", "vm:c"]})).await;

    let blocker = |resource: &str| {
        let resource = resource.parse().expect("a resource");
        Blocker { resource, holder: Holder::Job(holder.id), holds: true }
    };
    let entry = |job: &model::Job, position, blockers| QueueEntry {
        id: job.id,
        work: job.request.work.clone(),
        priority: job.request.priority,
        queued_at: job.queued_at,
        waiting: Waiting { position, blockers },
    };
    let expected = [
        entry(&first, 0, Vec::new()),
        entry(&second, 1, vec![blocker("vm:a"), blocker("vm:b")]),
        entry(&third, 2, vec![blocker("vm:b")]),
    ];
    assert_eq!(store.queue(10).await.expect("read"), expected);
    assert_eq!(store.queue(2).await.expect("read"), expected[..2]);
    for entry in expected {
        assert_eq!(store.waiting(entry.id).await.expect("read"), Some(entry.waiting));
    }
    let active = RunningJob { job: summary(&holder), node: "there".to_owned(), lease_until: at(99) };
    assert_eq!(store.running().await.expect("read"), [active]);
}
