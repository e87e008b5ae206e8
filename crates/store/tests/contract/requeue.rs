//! Jobs whose runs never began: queued again at their old position, without counting an attempt.

use model::{Code, Holder, Job, JobState, Resume, RunId};
use serde_json::json;
use store::{Error, Requeue, Requeued, Store, Waiting};

use crate::{
    database::Database,
    samples::{
        at, claim, drafts, event_of, insert_asking, insert_queued, job_move, moved, reason, resume, running,
    },
};

async fn requeue(store: &Store, job: &Job, weight: u32, limit: u32) -> Result<Requeued, Error> {
    let run = job.run.expect("it was claimed");
    let (reason, event) = (&reason(Code::RequeuedNeverBegan), &event_of(JobState::Queued));
    store.requeue(&Requeue { id: job.id, fence: job.fence, run, weight, limit, reason, event }).await
}

async fn requeued(store: &Store, job: &Job) -> Job {
    match requeue(store, job, 1, 1000).await.expect("it is running") {
        Requeued::Queued(job) => *job,
        Requeued::TooOften => panic!("it was the first time"),
    }
}

pub(crate) async fn a_job_that_never_began_is_as_it_was_before_its_claim(database: Database) {
    let store = &database.store;
    let things = json!({"priority": 7, "secret_vars": ["token"]});
    let before = insert_asking(store, at(0), &things).await;
    let ended = moved(store, &claim(store).await.expect("queued"), JobState::Failed, at(3)).await;
    let (event, resume): (_, Resume) = (event_of(JobState::Queued), resume());
    let retry = store::JobMove { resume: Some(&resume), ..job_move(&ended, JobState::Queued, at(4), &event) };
    let queued = store.move_job(&retry).await.expect("moved");
    let claimed = claim(store).await.expect("queued");
    let run: RunId = claimed.run.expect("a run");
    store.append_events(claimed.id, claimed.fence, run, &drafts([1])).await.expect("stored");

    let again = requeued(store, &claimed).await;
    let expected = Job {
        reason: reason(Code::RequeuedNeverBegan),
        run: None,
        fence: claimed.fence,
        last_seq: claimed.last_seq + 2,
        ..queued
    };
    assert_eq!(again, expected);
    assert_eq!((again.id, again.attempt, again.queued_at), (before.id, 1, at(4)));
    assert_eq!(store.job(before.id).await.expect("read"), Some(again));
    assert_eq!(store.attempts(before.id).await.expect("read").len(), 1);
    let third = claim(store).await.expect("queued");
    assert_eq!((third.id, third.attempt, third.fence), (before.id, 2, claimed.fence + 1));
    assert_eq!(third.resume, Some(resume));
    assert_eq!(store.attempts(before.id).await.expect("read").len(), 2);
}

pub(crate) async fn a_job_that_never_began_keeps_its_place_before_those_that_came_later(database: Database) {
    let store = &database.store;
    let things = json!({"resources": ["vm:a", "vm:b"]});
    let first = insert_asking(store, at(0), &things).await;
    let claimed = claim(store).await.expect("nothing is locked");
    let second = insert_asking(store, at(1), &things).await;
    let third = insert_queued(store, at(2)).await;
    requeued(store, &claimed).await;
    let place = |place| Waiting { position: place, blockers: Vec::new() };
    assert_eq!(store.waiting(first.id).await.expect("read"), Some(place(0)));
    let behind = store.waiting(second.id).await.expect("read").expect("it waits");
    assert!(
        behind.blockers.iter().all(|blocker| blocker.holder == Holder::Job(first.id) && !blocker.holds),
        "{behind:?}"
    );
    assert_eq!(behind.blockers.len(), 2);
    for expected in [first.id, third.id] {
        assert_eq!(claim(store).await.map(|job| job.id), Some(expected));
    }
    assert_eq!(claim(store).await, None);
}

pub(crate) async fn only_the_claim_that_never_began_is_undone(database: Database) {
    let store = &database.store;
    let (job, _) = running(store).await;
    let other = Job { fence: job.fence + 1, ..job.clone() };
    let canceling = |job: &Job| Job { state: JobState::Canceling, ..job.clone() };
    for stale in [&other, &Job { run: Some(crate::samples::new_run_id()), ..job.clone() }] {
        let refused = requeue(store, stale, 1, 1000).await;
        assert!(matches!(refused, Err(Error::Stale { .. })), "{refused:?}");
    }
    moved(store, &job, JobState::Canceling, at(6)).await;
    let refused = requeue(store, &job, 1, 1000).await;
    assert!(matches!(refused, Err(Error::Stale { .. })), "{refused:?}");
    moved(store, &canceling(&job), JobState::Canceled, at(7)).await;
    let refused = requeue(store, &job, 1, 1000).await;
    assert!(matches!(refused, Err(Error::Stale { .. })), "{refused:?}");
    assert_eq!(store.attempts(job.id).await.expect("read").len(), 1);
}

pub(crate) async fn a_job_that_never_begins_is_queued_again_so_often_and_no_more(database: Database) {
    let store = &database.store;
    let (mut job, _) = running(store).await;
    for weight in [4, 1, 4] {
        let again = requeue(store, &job, weight, 10).await.expect("it is running");
        assert!(matches!(again, Requeued::Queued(_)), "{again:?}");
        job = claim(store).await.expect("queued");
    }
    assert_eq!(requeue(store, &job, 1, 10).await.expect("it is running"), Requeued::TooOften);
    assert_eq!(store.job(job.id).await.expect("read"), Some(job.clone()));
    // A retry starts to count again.
    let ended = moved(store, &job, JobState::Failed, at(10)).await;
    moved(store, &ended, JobState::Queued, at(11)).await;
    let job = claim(store).await.expect("queued");
    let again = requeue(store, &job, 9, 10).await.expect("it is running");
    assert!(matches!(again, Requeued::Queued(_)), "{again:?}");
}
