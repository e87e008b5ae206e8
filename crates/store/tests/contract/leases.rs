//! Leases: which node holds a job, and which node can take it over.

use model::{Ending, Job, JobState};
use store::{Error, JobMove};
use tokio::task::JoinSet;

use crate::{
    database::Database,
    samples::{at, claim, claim_as, drafts, event_of, insert_queued, job_move, moved, outcome},
};

pub(crate) async fn a_beat_keeps_a_lease_from_running_out(database: Database) {
    let store = &database.store;
    for _ in 0..2 {
        insert_queued(store, at(0)).await;
    }
    let late = claim_as(store, "a", at(100)).await.expect("a job is queued");
    let beating = claim_as(store, "a", at(50)).await.expect("a job is queued");
    assert_eq!(store.expired(at(49), 10).await.expect("read"), []);
    store.beat(beating.id, beating.fence, at(200)).await.expect("held");
    let canceling = moved(store, &late, JobState::Canceling, at(60)).await;
    assert_eq!((canceling.node.as_deref(), canceling.lease_until), (Some("a"), Some(at(100))));
    assert_eq!(store.expired(at(150), 10).await.expect("read"), [canceling]);
    let both: Vec<_> = store.expired(at(200), 10).await.expect("read").iter().map(|job| job.id).collect();
    assert_eq!(both, [late.id, beating.id]);
    assert_eq!(store.expired(at(200), 1).await.expect("read").len(), 1);
}

pub(crate) async fn an_expired_lease_is_taken_over_once(database: Database) {
    let store = &database.store;
    insert_queued(store, at(0)).await;
    let held = claim_as(store, "dead", at(100)).await.expect("a job is queued");
    let run = held.run.expect("a run");
    let too_early = store.take_over(held.id, held.fence, "early", at(99), at(500)).await;
    assert!(matches!(too_early, Err(Error::Stale { .. })), "{too_early:?}");

    let other = database.other_store().await;
    let mut takers = JoinSet::new();
    for number in 0..8 {
        let store = if number % 2 == 0 { store.clone() } else { other.clone() };
        let (id, fence) = (held.id, held.fence);
        takers.spawn(async move {
            match store.take_over(id, fence, &format!("node-{number}"), at(100), at(200)).await {
                Ok(job) => Some(job),
                Err(Error::Stale { .. }) => None,
                Err(error) => panic!("{error:?}"),
            }
        });
    }
    let taken: Vec<Job> = takers.join_all().await.into_iter().flatten().collect();
    other.close().await;
    let [taken] = taken.as_slice() else { panic!("taken over {} times", taken.len()) };
    let expected = Job { fence: 2, node: taken.node.clone(), lease_until: Some(at(200)), ..held.clone() };
    assert_eq!(*taken, expected);
    assert_ne!(taken.node, held.node);

    // Every write of the former holder is rejected.
    let beat = store.beat(held.id, held.fence, at(900)).await;
    assert!(matches!(beat, Err(Error::Stale { .. })), "{beat:?}");
    let events = store.append_events(held.id, held.fence, run, &drafts([1])).await;
    assert!(matches!(events, Err(Error::Stale { .. })), "{events:?}");
    let event = event_of(JobState::Succeeded);
    let end = store.move_job(&job_move(&held, JobState::Succeeded, at(120), &event)).await;
    assert!(matches!(end, Err(Error::Stale { .. })), "{end:?}");

    let lost = outcome(Ending::Lost);
    let event = event_of(JobState::Lost);
    let end = JobMove { outcome: Some(&lost), ..job_move(taken, JobState::Lost, at(130), &event) };
    let ended = store.move_job(&end).await.expect("moved");
    assert_eq!((ended.state, ended.node, ended.lease_until), (JobState::Lost, None, None));
    assert_eq!(store.attempts(held.id).await.expect("read")[0].outcome, Some(lost));
    assert_eq!(store.expired(at(9999), 10).await.expect("read"), []);
}

pub(crate) async fn a_node_takes_its_own_jobs_up_again_at_once(database: Database) {
    let store = &database.store;
    insert_queued(store, at(0)).await;
    let before = claim_as(store, "here", at(100)).await.expect("a job is queued");
    let after = store.take_over(before.id, before.fence, "here", at(10), at(110)).await.expect("its own");
    assert_eq!((after.fence, after.lease_until), (2, Some(at(110))));
    store.beat(after.id, after.fence, at(120)).await.expect("held");
    assert_eq!(store.unfinished_jobs("here").await.expect("read").len(), 1);
}

pub(crate) async fn no_node_holds_a_job_that_waits_or_has_ended(database: Database) {
    let store = &database.store;
    insert_queued(store, at(0)).await;
    let job = claim(store).await.expect("a job is queued");
    let run = job.run.expect("a run");
    let failed = moved(store, &job, JobState::Failed, at(10)).await;
    let queued = moved(store, &failed, JobState::Queued, at(11)).await;
    for job in [&failed, &queued] {
        assert_eq!((&job.node, job.lease_until), (&None, None));
        let beat = store.beat(job.id, job.fence, at(900)).await;
        assert!(matches!(beat, Err(Error::Stale { .. })), "{beat:?}");
        let taken = store.take_over(job.id, job.fence, "here", at(5000), at(6000)).await;
        assert!(matches!(taken, Err(Error::Stale { .. })), "{taken:?}");
        let events = store.append_events(job.id, job.fence, run, &drafts([1])).await;
        assert!(matches!(events, Err(Error::Stale { .. })), "{events:?}");
    }
}

pub(crate) async fn the_shared_clock_goes_forward(database: Database) {
    let first = database.store.clock().await.expect("read");
    assert!(first > at(0));
    assert!(database.store.clock().await.expect("read") >= first);
}
