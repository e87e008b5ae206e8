//! Shared resources, and resources that are held independently of jobs.

use std::sync::{Arc, Mutex};

use model::{Holder, Job, JobId, JobState, LockMode, Resource, ResourceLock};
use serde_json::json;
use store::{Blocker, Owned, OwnerLock, Store};
use tokio::task::JoinSet;

use crate::{
    database::Database,
    samples::{asking, at, claim, insert, insert_asking, moved},
};

fn named(resource: &str) -> Resource {
    resource.parse().expect("a resource")
}

fn lock(resource: &str, mode: LockMode) -> ResourceLock {
    ResourceLock { resource: named(resource), mode }
}

fn held_by(resource: &str, holder: Holder) -> Blocker {
    Blocker { resource: named(resource), holder, holds: true }
}

/// Stores a queued job that needs a resource, for itself or shared.
async fn needing(store: &Store, created_at: i64, resource: &str, mode: &str) -> Job {
    let lock = json!({"name": resource, "mode": mode});
    insert_asking(store, at(created_at), &json!({"resources": [lock]})).await
}

/// The same of a job that acts for an owner.
async fn acting(store: &Store, created_at: i64, resource: &str, owner: &str) -> Job {
    let things = json!({"resources": [resource]});
    let job = Job { acts_for: Some(named(owner)), ..asking(at(created_at), &things) };
    insert(store, &job).await;
    job
}

async fn blockers(store: &Store, job: &Job) -> Vec<Blocker> {
    store.waiting(job.id).await.expect("read").expect("it waits").blockers
}

async fn claimed(store: &Store) -> Option<JobId> {
    claim(store).await.map(|job| job.id)
}

async fn end(store: &Store, job: JobId) {
    let job = store.job(job).await.expect("read").expect("there");
    moved(store, &job, JobState::Succeeded, at(20)).await;
}

pub(crate) async fn jobs_that_share_a_resource_run_together(database: Database) {
    let store = &database.store;
    let first = needing(store, 0, "vm:a", "shared").await;
    let second = needing(store, 1, "vm:a", "shared").await;
    assert_eq!(claimed(store).await, Some(first.id));
    assert_eq!(claimed(store).await, Some(second.id));

    let alone = needing(store, 2, "vm:a", "exclusive").await;
    assert_eq!(claimed(store).await, None);
    let mut holders = [first.id, second.id];
    holders.sort();
    assert_eq!(blockers(store, &alone).await, holders.map(|job| held_by("vm:a", Holder::Job(job))));
    end(store, first.id).await;
    assert_eq!(claimed(store).await, None, "one of two still has it");
    end(store, second.id).await;
    assert_eq!(claimed(store).await, Some(alone.id));

    let third = needing(store, 3, "vm:a", "shared").await;
    assert_eq!(claimed(store).await, None);
    assert_eq!(blockers(store, &third).await, [held_by("vm:a", Holder::Job(alone.id))]);
    end(store, alone.id).await;
    assert_eq!(claimed(store).await, Some(third.id));
}

pub(crate) async fn a_job_that_needs_a_resource_alone_is_not_passed_by_later_ones_that_share_it(
    database: Database,
) {
    let store = &database.store;
    let first = needing(store, 0, "vm:a", "shared").await;
    assert_eq!(claimed(store).await, Some(first.id));
    let alone = needing(store, 1, "vm:a", "exclusive").await;
    let later = needing(store, 2, "vm:a", "shared").await;
    assert_eq!(claimed(store).await, None, "the later one could share it, but came later");
    let behind = Blocker { resource: named("vm:a"), holder: Holder::Job(alone.id), holds: false };
    assert_eq!(blockers(store, &later).await, [behind]);
    end(store, first.id).await;
    assert_eq!(claimed(store).await, Some(alone.id));
    end(store, alone.id).await;
    assert_eq!(claimed(store).await, Some(later.id));
}

pub(crate) async fn what_an_owner_holds_is_kept_from_jobs_that_do_not_act_for_it(database: Database) {
    let store = &database.store;
    let (alpha, beta) = (named("range:alpha"), named("range:beta"));
    let locks = [lock("vm:b", LockMode::Shared), lock("vm:a", LockMode::Exclusive)];
    assert_eq!(store.hold_for(&alpha, &locks).await.expect("asked"), Owned::Held);
    assert_eq!(store.hold_for(&alpha, &locks).await.expect("asked"), Owned::Held, "once more is no change");
    let listed = store.owner_locks(10).await.expect("read");
    let expected = |lock: &ResourceLock| OwnerLock { owner: alpha.clone(), lock: lock.clone() };
    assert_eq!(listed, [expected(&locks[1]), expected(&locks[0])]);

    // Earlier in the queue than those that act for the owner: they pass it nevertheless.
    let unrelated = needing(store, 0, "vm:a", "exclusive").await;
    let sharing = needing(store, 1, "vm:b", "shared").await;
    let other = acting(store, 2, "vm:a", "range:beta").await;
    let own = acting(store, 3, "vm:a", "range:alpha").await;
    let own_too = acting(store, 4, "vm:a", "range:alpha").await;
    assert_eq!(blockers(store, &unrelated).await, [held_by("vm:a", Holder::Owner(alpha.clone()))]);
    assert_eq!(blockers(store, &own).await, []);
    assert_eq!(claimed(store).await, Some(sharing.id));
    assert_eq!(claimed(store).await, Some(own.id));
    assert_eq!(claimed(store).await, None, "two jobs of one owner exclude each other");
    assert_eq!(blockers(store, &own_too).await, [held_by("vm:a", Holder::Job(own.id))]);
    end(store, own.id).await;
    assert_eq!(claimed(store).await, Some(own_too.id));
    end(store, own_too.id).await;

    // The end of its jobs is not the end of what it holds.
    assert_eq!(claimed(store).await, None);
    let blocked = store.hold_for(&beta, &[lock("vm:a", LockMode::Shared)]).await.expect("asked");
    assert_eq!(blocked, Owned::Blocked(vec![held_by("vm:a", Holder::Owner(alpha.clone()))]));
    assert_eq!(store.release_for(&alpha, &[named("vm:a"), named("vm:c")]).await.expect("released"), 1);
    assert_eq!(claimed(store).await, Some(unrelated.id));
    end(store, unrelated.id).await;
    assert_eq!(claimed(store).await, Some(other.id));
    assert_eq!(store.release_all_for(&alpha).await.expect("released"), 1);
    assert_eq!(store.owner_locks(10).await.expect("read"), []);
}

pub(crate) async fn an_owner_takes_all_or_nothing_and_from_under_its_own_job(database: Database) {
    let store = &database.store;
    let alpha = named("range:alpha");
    let unrelated = needing(store, 0, "vm:a", "exclusive").await;
    assert_eq!(claimed(store).await, Some(unrelated.id));
    let locks = ["vm:a", "vm:b"].map(|name| lock(name, LockMode::Exclusive));
    let blocked = store.hold_for(&alpha, &locks).await.expect("asked");
    assert_eq!(blocked, Owned::Blocked(vec![held_by("vm:a", Holder::Job(unrelated.id))]));
    assert_eq!(store.owner_locks(10).await.expect("read"), []);

    // So it waits for its turn as a job.
    let own = acting(store, 1, "vm:a", "range:alpha").await;
    assert_eq!(claimed(store).await, None);
    end(store, unrelated.id).await;
    assert_eq!(claimed(store).await, Some(own.id));
    assert_eq!(store.hold_for(&alpha, &locks).await.expect("asked"), Owned::Held);
    end(store, own.id).await;
    let late = needing(store, 2, "vm:a", "shared").await;
    assert_eq!(claimed(store).await, None);
    assert_eq!(blockers(store, &late).await, [held_by("vm:a", Holder::Owner(alpha.clone()))]);
    let shared = [lock("vm:a", LockMode::Shared)];
    assert_eq!(store.hold_for(&alpha, &shared).await.expect("asked"), Owned::Held);
    assert_eq!(claimed(store).await, Some(late.id), "the owner shares it by now");
    let blocked = store.hold_for(&alpha, &locks).await.expect("asked");
    assert_eq!(blocked, Owned::Blocked(vec![held_by("vm:a", Holder::Job(late.id))]));
    assert_eq!(store.owner_locks(1).await.expect("read")[0].lock.mode, LockMode::Shared);
}

/// Who has the one resource right now, as the test itself counts.
#[derive(Default)]
struct HolderCount {
    alone: usize,
    sharing: usize,
    owners: usize,
}

impl HolderCount {
    fn enter(count: &Mutex<Self>, is_shared: bool) {
        let mut count = count.lock().expect("no panic");
        *(if is_shared { &mut count.sharing } else { &mut count.alone }) += 1;
        let sharing = usize::from(count.sharing > 0);
        assert!(count.alone + sharing + count.owners <= 1, "held against each other");
    }

    fn leave(count: &Mutex<Self>, is_shared: bool) {
        let mut count = count.lock().expect("no panic");
        *(if is_shared { &mut count.sharing } else { &mut count.alone }) -= 1;
    }
}

pub(crate) async fn jobs_and_owners_never_have_a_resource_against_each_other(database: Database) {
    const JOBS: usize = 60;
    for number in 0..JOBS {
        needing(&database.store, 0, "vm:a", if number % 3 == 0 { "exclusive" } else { "shared" }).await;
    }
    let other = database.other_store().await;
    let count: Arc<Mutex<HolderCount>> = Arc::default();
    let left = Arc::new(Mutex::new(JOBS));
    let mut tasks = JoinSet::new();
    for number in 0..8 {
        let store = if number % 2 == 0 { database.store.clone() } else { other.clone() };
        let (count, left) = (Arc::clone(&count), Arc::clone(&left));
        tasks.spawn(async move {
            while *left.lock().expect("no panic") > 0 {
                let Some(job) = claim(&store).await else {
                    tokio::task::yield_now().await;
                    continue;
                };
                let is_shared = job.request.resources[0].mode == LockMode::Shared;
                HolderCount::enter(&count, is_shared);
                tokio::task::yield_now().await;
                HolderCount::leave(&count, is_shared);
                end(&store, job.id).await;
                *left.lock().expect("no panic") -= 1;
            }
        });
    }
    for number in 0..2 {
        let store = if number == 0 { database.store.clone() } else { other.clone() };
        let (count, left) = (Arc::clone(&count), Arc::clone(&left));
        tasks.spawn(async move {
            let owner = named(&format!("range:{number}"));
            while *left.lock().expect("no panic") > 0 {
                let taken = store.hold_for(&owner, &[lock("vm:a", LockMode::Exclusive)]).await;
                if taken.expect("asked") == Owned::Held {
                    {
                        let mut count = count.lock().expect("no panic");
                        count.owners += 1;
                        let sum = count.owners + count.alone + count.sharing;
                        assert_eq!(sum, 1, "held against each other");
                    }
                    tokio::task::yield_now().await;
                    count.lock().expect("no panic").owners -= 1;
                    store.release_all_for(&owner).await.expect("released");
                }
                tokio::task::yield_now().await;
            }
        });
    }
    while let Some(task) = tasks.join_next().await {
        task.expect("nothing was held twice");
    }
    let counts = database.store.counts().await.expect("counted");
    assert_eq!(counts, [(JobState::Succeeded, JOBS as u64)].into());
    let mut connection = database.connection().await;
    let rows =
        sqlx::query("SELECT resource FROM resource_locks UNION ALL SELECT resource FROM resource_holders");
    assert!(rows.fetch_all(&mut connection).await.expect("read").is_empty(), "rows are left");
    other.close().await;
}
