//! Children: jobs that another job submitted as part of its work.

use model::{Job, JobId, JobState};
use serde_json::json;
use store::{Admission, Error, Inserted, JobQuery, QueueLimits, Store};

use crate::{
    database::Database,
    samples::{asking, at, claim, event_of, insert_queued, moved, running},
};

async fn submit(store: &Store, parent: &Job, created_at: i64) -> Result<Job, Error> {
    let job = Job { parent: Some(parent.id), ..asking(at(created_at), &json!({})) };
    let admission = Admission { parent_fence: parent.fence, ..Admission::default() };
    let inserted = store.insert_job(&job, &event_of(JobState::Queued), None, admission).await?;
    assert_eq!(inserted, Inserted::New);
    Ok(job)
}

async fn children(store: &Store, parent: JobId) -> Vec<JobId> {
    let query = JobQuery { parent: Some(parent), limit: 10, ..JobQuery::default() };
    store.jobs(&query).await.expect("listed").into_iter().map(|job| job.id).collect()
}

pub(crate) async fn children_are_listed_by_their_parent(database: Database) {
    let store = &database.store;
    let (parent, _) = running(store).await;
    let first = submit(store, &parent, 1).await.expect("submitted");
    let second = submit(store, &parent, 2).await.expect("submitted");
    insert_queued(store, at(3)).await;
    assert_eq!(children(store, parent.id).await, [second.id, first.id]);
    assert_eq!(children(store, first.id).await, []);
    assert_eq!(store.job(first.id).await.expect("read").expect("there").parent, Some(parent.id));
    assert_eq!(store.unfinished_children(parent.id).await.expect("read"), [first.id, second.id]);
    let job = claim(store).await.expect("a child");
    moved(store, &job, JobState::Failed, at(9)).await;
    assert_eq!(store.unfinished_children(parent.id).await.expect("read"), [second.id]);
}

pub(crate) async fn only_a_job_that_runs_under_its_claim_has_children(database: Database) {
    let store = &database.store;
    let (parent, _) = running(store).await;
    let is_stale =
        |submitted: Result<Job, Error>| matches!(submitted, Err(Error::Stale { job }) if job == parent.id);
    let taken = Job { fence: parent.fence + 1, ..parent.clone() };
    assert!(is_stale(submit(store, &taken, 1).await), "another claim");
    let canceling = moved(store, &parent, JobState::Canceling, at(5)).await;
    assert!(is_stale(submit(store, &canceling, 1).await), "canceling");
    let canceled = moved(store, &canceling, JobState::Canceled, at(6)).await;
    assert!(is_stale(submit(store, &canceled, 1).await), "canceled");
    assert_eq!(children(store, parent.id).await, []);
    assert_eq!(store.counts().await.expect("counted"), [(JobState::Canceled, 1)].into());
}

pub(crate) async fn a_child_has_its_turns_with_the_caller_of_its_parent_and_is_not_counted(
    database: Database,
) {
    let store = &database.store;
    let limits = QueueLimits { of_caller: 1, in_all: 1 };
    let admission = Admission { owner: Some("ann"), limits, parent_fence: 0 };
    let parent = asking(at(0), &json!({}));
    let event = event_of(JobState::Queued);
    store.insert_job(&parent, &event, None, admission).await.expect("stored");
    let parent = claim(store).await.expect("the parent");
    let waiting = asking(at(1), &json!({}));
    store.insert_job(&waiting, &event, None, admission).await.expect("stored");
    let child = submit(store, &parent, 2).await.expect("the queue is full, and it is a child");
    let queue = store.queue(10).await.expect("read");
    assert_eq!(queue.iter().map(|entry| entry.id).collect::<Vec<_>>(), [waiting.id, child.id]);
    let mut connection = database.connection().await;
    let owner =
        sqlx::query_scalar::<_, String>("SELECT owner FROM jobs WHERE id = $1").bind(child.id.to_string());
    assert_eq!(owner.fetch_one(&mut connection).await.expect("read"), "ann");
}
