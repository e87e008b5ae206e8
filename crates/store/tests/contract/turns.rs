//! Callers take turns in the queue, and each has a maximum number of queued jobs.

use model::{Job, JobId, JobState, Priority};
use store::{Admission, FullQueue, Inserted, QueueLimits, Store};

use crate::{
    database::Database,
    samples::{at, event_of, queued},
};

async fn insert(store: &Store, job: &Job, owner: Option<&str>, limits: QueueLimits) -> Inserted {
    let admission = Admission { owner, limits, ..Admission::default() };
    store.insert_job(job, &event_of(JobState::Queued), None, admission).await.expect("asked")
}

/// A job of a caller, at a time, of a priority.
async fn add(store: &Store, owner: Option<&str>, second: i64, priority: i8) -> JobId {
    let mut job = queued(at(second));
    job.request.priority = Priority::try_from(priority).expect("a priority");
    assert_eq!(insert(store, &job, owner, QueueLimits::default()).await, Inserted::New);
    job.id
}

async fn order(store: &Store) -> Vec<JobId> {
    store.queue(100).await.expect("read").into_iter().map(|entry| entry.id).collect()
}

pub(crate) async fn callers_have_turns_and_their_own_jobs_stay_in_order(database: Database) {
    let store = &database.store;
    let mut many = Vec::new();
    for second in 0..5 {
        many.push(add(store, Some("many"), second, 0).await);
    }
    let one = add(store, Some("one"), 5, 0).await;
    assert_eq!(order(store).await, [vec![many[0], one], many[1..].to_vec()].concat());
    // A later job of the same caller is behind its others, and an urgent one before them.
    let later = add(store, Some("many"), 6, 0).await;
    let urgent = add(store, Some("many"), 7, 2).await;
    let found = order(store).await;
    assert_eq!((found.first(), found.last()), (Some(&urgent), Some(&later)));
}

pub(crate) async fn jobs_of_no_known_caller_stay_in_the_order_in_which_they_came(database: Database) {
    let store = &database.store;
    let mut all = Vec::new();
    for second in 0..5 {
        all.push(add(store, None, second, 0).await);
    }
    assert_eq!(order(store).await, all);
}

pub(crate) async fn only_so_many_jobs_may_wait(database: Database) {
    let store = &database.store;
    let limits = QueueLimits { of_caller: 2, in_all: 3 };
    let mut answers = Vec::new();
    for owner in [Some("a"), Some("a"), Some("a"), Some("b"), Some("b"), None] {
        answers.push(insert(store, &queued(at(0)), owner, limits).await);
    }
    let (new, of_caller, in_all) =
        (Inserted::New, Inserted::Full(FullQueue::OfCaller), Inserted::Full(FullQueue::InAll));
    assert_eq!(answers, [new, new, of_caller, new, in_all, in_all]);
    assert_eq!(store.counts().await.expect("counted"), [(JobState::Queued, 3)].into());
    let full = |owner| store.is_full(Admission { owner: Some(owner), limits, ..Admission::default() });
    assert_eq!(full("a").await.expect("read"), Some(FullQueue::OfCaller));
    assert_eq!(full("b").await.expect("read"), Some(FullQueue::InAll));
}
