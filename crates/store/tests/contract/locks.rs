//! Resources: no two jobs hold the same one, and no job waits for one indefinitely.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use model::{Holder, JobId, JobState, Resource};
use serde_json::json;
use sqlx::{Executor, Row};
use store::{Backend, Blocker, Waiting};
use tokio::task::JoinSet;

use crate::{
    database::Database,
    samples::{at, claim, insert_asking, insert_queued, moved, running},
};

fn named(resource: &str) -> Resource {
    resource.parse().expect("a resource")
}

fn blocker(resource: &str, job: JobId, holds: bool) -> Blocker {
    Blocker { resource: named(resource), holder: Holder::Job(job), holds }
}

pub(crate) async fn a_job_waits_while_another_holds_its_resource(database: Database) {
    let store = &database.store;
    insert_asking(store, at(0), &json!({"resources": ["vm:a/1", "vm:a/2"]})).await;
    let first = claim(store).await.expect("nothing is locked");
    let second = insert_asking(store, at(1), &json!({"resources": ["vm:a/2", "vm:a/3"]})).await;
    let third = insert_asking(store, at(2), &json!({"resources": ["vm:a/4"]})).await;

    let waiting = store.waiting(second.id).await.expect("read").expect("it waits");
    assert_eq!(waiting, Waiting { position: 0, blockers: vec![blocker("vm:a/2", first.id, true)] });
    assert_eq!(claim(store).await.map(|job| job.id), Some(third.id));
    assert_eq!(claim(store).await, None);

    let canceling = moved(store, &first, JobState::Canceling, at(10)).await;
    assert_eq!(claim(store).await, None);
    moved(store, &canceling, JobState::Canceled, at(11)).await;
    assert_eq!(claim(store).await.map(|job| job.id), Some(second.id));
}

pub(crate) async fn a_job_that_is_queued_again_gives_up_its_resources_and_waits_for_them(database: Database) {
    let store = &database.store;
    insert_asking(store, at(0), &json!({"resources": ["range:x"]})).await;
    let first = claim(store).await.expect("nothing is locked");
    let second = insert_asking(store, at(1), &json!({"resources": ["range:x"]})).await;
    let failed = moved(store, &first, JobState::Failed, at(10)).await;
    moved(store, &failed, JobState::Queued, at(11)).await;

    let claimed = claim(store).await.expect("the resource is free");
    assert_eq!(claimed.id, second.id);
    assert_eq!(claim(store).await, None);
    let waiting = store.waiting(first.id).await.expect("read").expect("it waits");
    assert_eq!(waiting.blockers, [blocker("range:x", second.id, true)]);
    moved(store, &claimed, JobState::Succeeded, at(12)).await;
    assert_eq!(claim(store).await.map(|job| (job.id, job.attempt)), Some((first.id, 2)));
}

pub(crate) async fn a_job_that_waits_for_two_resources_is_not_starved(database: Database) {
    let store = &database.store;
    insert_asking(store, at(0), &json!({"resources": ["vm:a"]})).await;
    let holder = claim(store).await.expect("nothing is locked");
    let both = insert_asking(store, at(1), &json!({"resources": ["vm:a", "vm:b"]})).await;
    let behind = insert_asking(store, at(2), &json!({"resources": ["vm:b"]})).await;
    let other = insert_queued(store, at(3)).await;

    // `vm:b` is free, but it is the turn of the job before.
    let waiting = store.waiting(behind.id).await.expect("read").expect("it waits");
    assert_eq!(waiting, Waiting { position: 1, blockers: vec![blocker("vm:b", both.id, false)] });
    assert_eq!(claim(store).await.map(|job| job.id), Some(other.id));
    assert_eq!(claim(store).await, None);

    moved(store, &holder, JobState::Succeeded, at(10)).await;
    assert_eq!(claim(store).await.map(|job| job.id), Some(both.id));

    // A job that leaves the queue frees the way too.
    let last = insert_asking(store, at(4), &json!({"resources": ["vm:b"]})).await;
    moved(store, &behind, JobState::Canceled, at(11)).await;
    let waiting = store.waiting(last.id).await.expect("read").expect("it waits");
    assert_eq!(waiting.blockers, [blocker("vm:b", both.id, true)]);
}

pub(crate) async fn a_claim_that_comes_second_to_a_resource_is_undone(database: Database) {
    let store = &database.store;
    let (holder, _) = running(store).await;
    let job = insert_asking(store, at(0), &json!({"resources": ["vm:a", "vm:b"]})).await;
    // Another claimer is about to take the second resource, in a transaction that is not visible yet.
    let mut connection = database.connection().await;
    let hold = format!("INSERT INTO resource_holders (resource, job_id) VALUES ('vm:b', '{}')", holder.id);
    connection.execute("BEGIN").await.expect("begun");
    let lock = "INSERT INTO resource_locks (resource, shared, holders) VALUES ('vm:b', 0, 1)";
    connection.execute(lock).await.expect("stored");
    connection.execute(sqlx::AssertSqlSafe(hold)).await.expect("stored");
    let claiming = {
        let store = store.clone();
        tokio::spawn(async move { claim(&store).await })
    };
    if store.backend() == Backend::Postgres {
        let mut watcher = database.connection().await;
        let waiting = "SELECT COUNT(*) FROM pg_stat_activity \
                       WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while watcher.fetch_one(waiting).await.expect("counted").get::<i64, _>(0) == 0 {}
    }
    connection.execute("COMMIT").await.expect("committed");
    assert_eq!(claiming.await.expect("it asked"), None);
    assert_eq!(store.job(job.id).await.expect("read"), Some(job.clone()));
    let waiting = store.waiting(job.id).await.expect("read").expect("it waits");
    assert_eq!(waiting.blockers, [blocker("vm:b", holder.id, true)]);
    moved(store, &holder, JobState::Succeeded, at(9)).await;
    connection.execute("DELETE FROM resource_locks").await.expect("deleted");
    assert_eq!(claim(store).await.map(|job| job.fence), Some(1));
}

pub(crate) async fn two_jobs_with_one_resource_never_run_together(database: Database) {
    const JOBS: usize = 96;
    const RESOURCES: usize = 3;
    for number in 0..JOBS {
        // Each needs two of the three, named in either order.
        let (one, two) = (number % RESOURCES, (number + 1) % RESOURCES);
        let request =
            json!({"resources": [format!("vm:{one}"), format!("vm:{two}")], "priority": number % 5});
        insert_asking(&database.store, at(0), &request).await;
    }
    let other = database.other_store().await;
    let held: Arc<[AtomicUsize; RESOURCES]> = Arc::default();
    let ended = Arc::new(AtomicUsize::new(0));
    let mut claimers = JoinSet::new();
    for number in 0..16 {
        let store = if number % 2 == 0 { database.store.clone() } else { other.clone() };
        let (held, ended) = (Arc::clone(&held), Arc::clone(&ended));
        claimers.spawn(async move {
            while ended.load(Ordering::SeqCst) < JOBS {
                let Some(job) = claim(&store).await else {
                    tokio::task::yield_now().await;
                    continue;
                };
                let mine: Vec<usize> = (0..RESOURCES)
                    .filter(|n| {
                        job.request.resources.iter().any(|lock| lock.resource.as_str() == format!("vm:{n}"))
                    })
                    .collect();
                assert_eq!(mine.len(), 2);
                for resource in &mine {
                    assert_eq!(held[*resource].fetch_add(1, Ordering::SeqCst), 0, "held twice");
                }
                tokio::task::yield_now().await;
                for resource in &mine {
                    held[*resource].fetch_sub(1, Ordering::SeqCst);
                }
                moved(&store, &job, JobState::Succeeded, at(20)).await;
                ended.fetch_add(1, Ordering::SeqCst);
            }
        });
    }
    while let Some(claimer) = claimers.join_next().await {
        claimer.expect("no resource was held twice");
    }
    let counts = database.store.counts().await.expect("counted");
    assert_eq!(counts, [(JobState::Succeeded, JOBS as u64)].into());
    other.close().await;
}
