//! The queue: which node claims which job, and which node can write to it.

use std::collections::BTreeSet;

use model::{Code, JobState};
use store::{Error, EventQuery, JobMove, Waiting};
use tokio::task::JoinSet;

use crate::{
    database::Database,
    samples::{
        at, claim, claim_as, drafts, event_of, insert_queued, new_job_id, new_run_id, reason, running,
    },
};

pub(crate) async fn the_oldest_queued_job_is_claimed_first(database: Database) {
    let store = &database.store;
    let mut expected = Vec::new();
    for milliseconds in [30, 10, 20, 20] {
        expected.push(insert_queued(store, at(milliseconds)).await);
    }
    expected.sort_by_key(|job| (job.created_at, job.id));
    for (place, job) in (0..).zip(&expected) {
        let waiting = store.waiting(job.id).await.expect("read").expect("it waits");
        assert_eq!(waiting, Waiting { position: place, blockers: Vec::new() });
    }
    for job in expected {
        let claimed = claim(store).await.expect("a job is queued");
        assert_eq!((claimed.id, claimed.state), (job.id, JobState::Running));
        assert_eq!((claimed.attempt, claimed.fence, claimed.last_seq), (1, 1, 2));
        assert_eq!((claimed.started_at, &claimed.reason), (Some(at(5)), &reason(Code::Running)));
        assert_eq!((claimed.node.as_deref(), claimed.lease_until), (Some("here"), Some(at(1005))));
        assert_eq!(store.waiting(job.id).await.expect("read"), None);
        assert_eq!(store.job(job.id).await.expect("read").as_ref(), Some(&claimed));
        let events = store.events(job.id, &EventQuery::after(1, 10)).await.expect("read");
        assert_eq!(events, [model::Event { seq: 2, draft: event_of(JobState::Running) }]);
    }
    assert_eq!(claim(store).await, None);
    assert_eq!(store.waiting(new_job_id()).await.expect("read"), None);
}

pub(crate) async fn two_claimers_never_get_the_same_job(database: Database) {
    let mut stored = BTreeSet::new();
    for milliseconds in 0..200 {
        stored.insert(insert_queued(&database.store, at(milliseconds)).await.id);
    }
    let other = database.other_store().await;
    let mut claimers = JoinSet::new();
    for number in 0..16 {
        // Half of them as from another process.
        let store = if number % 2 == 0 { database.store.clone() } else { other.clone() };
        claimers.spawn(async move {
            let mut claimed = Vec::new();
            while let Some(job) = claim(&store).await {
                assert_eq!((job.attempt, job.fence), (1, 1));
                claimed.push(job.id);
            }
            claimed
        });
    }
    let claimed = claimers.join_all().await.concat();
    assert_eq!(claimed.len(), 200);
    assert_eq!(claimed.into_iter().collect::<BTreeSet<_>>(), stored);
    assert_eq!(database.store.counts().await.expect("counted"), [(JobState::Running, 200)].into());
    other.close().await;
}

pub(crate) async fn a_write_with_an_old_fence_is_refused(database: Database) {
    let store = &database.store;
    let (old, old_run) = running(store).await;
    let retry = JobMove {
        id: old.id,
        from: JobState::Running,
        fence: old.fence,
        to: JobState::Queued,
        reason: &reason(Code::Waiting),
        outcome: None,
        now: at(20),
        resume: None,
        wipes_secrets: false,
        event: &event_of(JobState::Queued),
    };
    store.move_job(&retry).await.expect("moved");
    let new = claim(store).await.expect("the job is queued again");

    let by_old_holder = store.move_job(&retry).await;
    assert!(matches!(by_old_holder, Err(Error::Stale { job }) if job == old.id), "{by_old_holder:?}");
    for (fence, run) in [
        (old.fence, old_run),
        (new.fence, old_run),
        (old.fence, new.run.expect("a run")),
        (new.fence + 1, new_run_id()),
        (u64::MAX, old_run),
    ] {
        let events = store.append_events(old.id, fence, run, &drafts([1])).await;
        assert!(matches!(events, Err(Error::Stale { job }) if job == old.id), "{events:?}");
    }
    assert_eq!(store.job(old.id).await.expect("read"), Some(new));
    assert_eq!(store.last_run_seq(old_run).await.expect("read"), 0);
}

pub(crate) async fn unfinished_jobs_are_those_with_an_active_run(database: Database) {
    let store = &database.store;
    let mut jobs = Vec::new();
    for milliseconds in 0..3 {
        insert_queued(store, at(milliseconds)).await;
        jobs.push(claim(store).await.expect("a job is queued"));
    }
    insert_queued(store, at(9)).await;
    insert_queued(store, at(8)).await;
    let elsewhere = claim_as(store, "there", at(1000)).await.expect("a job is queued");
    let there = store.unfinished_jobs("there").await.expect("read");
    assert_eq!(there, [elsewhere]);
    for (job, to) in [(&jobs[1], JobState::Canceling), (&jobs[2], JobState::Lost)] {
        let job_move = JobMove {
            id: job.id,
            from: JobState::Running,
            fence: job.fence,
            to,
            reason: &job.reason,
            outcome: None,
            now: at(20),
            resume: None,
            wipes_secrets: false,
            event: &event_of(to),
        };
        store.move_job(&job_move).await.expect("moved");
    }
    let unfinished: Vec<_> =
        store.unfinished_jobs("here").await.expect("read").iter().map(|job| job.id).collect();
    assert_eq!(unfinished, [jobs[0].id, jobs[1].id]);
    let counts = store.counts().await.expect("counted");
    let states =
        [(JobState::Queued, 1), (JobState::Running, 2), (JobState::Canceling, 1), (JobState::Lost, 1)];
    assert_eq!(counts, states.into());
}
