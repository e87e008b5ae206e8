//! Ranges: stored with their plan and their leases, or not at all.

use model::{Job, JobState, JournalPhase, LeaseKind, RangeState};
use store::{Error, PlanDraft, PlanHolder, Planned};

use crate::{
    database::Database,
    range_samples::{draft, hold, lease, new_range_id, pending, settlement, store_draft, subnet},
    samples::{at, claim, insert, insert_queued, moved, new_job_id, queued},
};

pub(crate) async fn a_range_and_its_plan_read_back_as_they_were_written(database: Database) {
    let store = &database.store;
    let (id, first) = (new_range_id(), PlanDraft { expires_at: Some(at(900)), ..draft("alpha") });
    assert_eq!(store.range(id).await.expect("read"), None);
    assert_eq!(store_draft(store, id, &first).await, Planned::Stored);
    let range = store.range(id).await.expect("read").expect("stored");
    assert_eq!((range.name.as_str(), range.platform.as_str()), ("alpha", "lab"));
    assert_eq!((range.state, range.version, range.plan), (RangeState::Changing, 1, first.id));
    assert_eq!((range.document.as_str(), range.recorded.as_str()), (first.document.as_str(), "{}"));
    assert_eq!((range.created_at, range.updated_at, range.expires_at), (at(0), at(0), Some(at(900))));
    assert_eq!(store.range_named("alpha").await.expect("read"), Some(range.clone()));
    let plan = store.plan(first.id).await.expect("read").expect("stored");
    assert_eq!((plan.range, plan.job, plan.phase), (id, first.job, JournalPhase::Forward));
    assert_eq!((plan.plan, plan.created_at), (first.plan.clone(), at(0)));
    assert_eq!(store.expired_ranges(at(899), 9).await.expect("read"), []);
    assert_eq!(store.expired_ranges(at(900), 9).await.expect("read"), [range]);

    // A second range, listed behind the first one.
    let (other, second) = (new_range_id(), draft("beta"));
    assert_eq!(store_draft(store, other, &second).await, Planned::Stored);
    let ids = |ranges: Vec<model::StoredRange>| ranges.iter().map(|range| range.id).collect::<Vec<_>>();
    assert_eq!(ids(store.ranges(None, 9).await.expect("read")), [id, other]);
    assert_eq!(ids(store.ranges(None, 1).await.expect("read")), [id]);
    assert_eq!(ids(store.ranges(Some((at(0), id)), 9).await.expect("read")), [other]);
}

pub(crate) async fn a_name_is_given_to_one_range_and_a_refused_plan_stores_nothing(database: Database) {
    let store = &database.store;
    let (first, second) = (new_range_id(), new_range_id());
    assert_eq!(store_draft(store, first, &draft("alpha")).await, Planned::Stored);
    let refused = PlanDraft { leases: vec![subnet("10.0.0.0/24")], ..draft("alpha") };
    assert_eq!(store_draft(store, second, &refused).await, Planned::NameTaken);
    let failed = store.store_plan(second, "lab", at(0), |_| Err("no such template")).await;
    assert_eq!(failed.expect("asked"), Err("no such template"));
    assert_eq!(store.range(second).await.expect("read"), None);
    assert_eq!(store.plan(refused.id).await.expect("read"), None);
    assert_eq!(store.leases_on("lab").await.expect("read"), []);
}

pub(crate) async fn a_range_has_one_plan_at_a_time(database: Database) {
    let store = &database.store;
    let (id, first) = (new_range_id(), draft("alpha"));
    store_draft(store, id, &first).await;
    // Its job was never submitted: another plan takes its place, and the first one cannot begin any more.
    let second = draft("alpha");
    assert_eq!(store_draft(store, id, &second).await, Planned::Stored);
    let (late, job) = hold(store, &first).await;
    let begun = store.begin_journal(late, &pending(2)).await;
    assert!(matches!(begun, Err(Error::Stale { job }) if job == first.job), "{begun:?}");
    moved(store, &job, JobState::Failed, at(5)).await;

    // Queued, running, and broken off with a journal that has not ended.
    insert(store, &Job { id: second.job, ..queued(at(0)) }).await;
    assert_eq!(store_draft(store, id, &draft("alpha")).await, Planned::Busy(second.job));
    let job = claim(store).await.expect("queued");
    let holder = PlanHolder { plan: second.id, job: job.id, fence: job.fence };
    store.begin_journal(holder, &pending(2)).await.expect("begun");
    assert_eq!(store_draft(store, id, &draft("alpha")).await, Planned::Busy(second.job));
    let lost = moved(store, &job, JobState::Lost, at(10)).await;
    assert_eq!(store_draft(store, id, &draft("alpha")).await, Planned::Busy(second.job));

    // Another job ends it.
    let by = insert_queued(store, at(11)).await.id;
    let job = claim(store).await.expect("queued");
    assert!(job.id == by && lost.id == second.job);
    let holder = PlanHolder { plan: second.id, job: by, fence: job.fence };
    store.take_plan(holder).await.expect("taken");
    store.settle_plan(holder, &settlement(RangeState::Ready)).await.expect("settled");
    moved(store, &job, JobState::Succeeded, at(60)).await;
    let range = store.range(id).await.expect("read").expect("stored");
    assert_eq!((range.state, range.recorded.as_str()), (RangeState::Ready, r#"{"machines":{}}"#));
    assert_eq!((range.updated_at, range.version), (at(50), 3));
    assert_eq!(store_draft(store, id, &draft("alpha")).await, Planned::Stored);
}

pub(crate) async fn only_a_range_of_which_nothing_exists_is_deleted(database: Database) {
    let store = &database.store;
    let held = lease(LeaseKind::VmId, "ids", "1000");
    let (id, first) = (new_range_id(), PlanDraft { leases: vec![held.clone()], ..draft("alpha") });
    store_draft(store, id, &first).await;
    let (holder, job) = hold(store, &first).await;
    store.begin_journal(holder, &pending(3)).await.expect("begun");
    assert!(!store.delete_range(id).await.expect("asked"), "a plan is carried out");
    store.settle_plan(holder, &settlement(RangeState::Empty)).await.expect("settled");
    assert!(!store.delete_range(id).await.expect("asked"), "it has a lease");
    assert_eq!(store.release_leases(id, &[held.key]).await.expect("released"), 1);
    moved(store, &job, JobState::Succeeded, at(60)).await;
    assert!(store.delete_range(id).await.expect("asked"));
    assert!(!store.delete_range(id).await.expect("asked"), "once");
    assert_eq!(store.range(id).await.expect("read"), None);
    assert_eq!(store.plan(first.id).await.expect("read"), None);
    assert_eq!(store.journal(first.id).await.expect("read"), None);
    // The name is free again.
    assert_eq!(store_draft(store, new_range_id(), &draft("alpha")).await, Planned::Stored);
}

pub(crate) async fn a_plan_that_ended_is_taken_up_by_one_job(database: Database) {
    let store = &database.store;
    let (id, first) = (new_range_id(), draft("alpha"));
    store_draft(store, id, &first).await;
    let again = new_job_id();
    assert!(!store.take_up_plan(id, first.id, again, at(9)).await.expect("asked"), "it is not begun");
    let (holder, job) = hold(store, &first).await;
    store.begin_journal(holder, &pending(1)).await.expect("begun");
    assert!(!store.take_up_plan(id, first.id, again, at(9)).await.expect("asked"), "its job is running");
    store.settle_plan(holder, &settlement(RangeState::Incomplete)).await.expect("settled");
    moved(store, &job, JobState::Failed, at(60)).await;
    assert!(store.take_up_plan(id, first.id, again, at(61)).await.expect("taken"));
    let range = store.range(id).await.expect("read").expect("stored");
    assert_eq!((range.state, range.updated_at), (RangeState::Changing, at(61)));
    insert(store, &Job { id: again, ..queued(at(61)) }).await;
    assert!(
        !store.take_up_plan(id, first.id, new_job_id(), at(62)).await.expect("asked"),
        "another job has it"
    );
}

pub(crate) async fn the_lifetime_of_a_range_changes_and_its_end_is_found(database: Database) {
    let store = &database.store;
    let (id, first) = (new_range_id(), draft("alpha"));
    store_draft(store, id, &first).await;
    assert!(store.set_expiry(id, Some(at(100)), at(1)).await.expect("set"));
    let expired = store.expired_ranges(at(100), 9).await.expect("read");
    assert_eq!(expired.iter().map(|range| range.id).collect::<Vec<_>>(), [id]);
    assert!(store.set_expiry(id, None, at(2)).await.expect("set"));
    assert_eq!(store.expired_ranges(at(100), 9).await.expect("read"), []);
    assert!(!store.set_expiry(new_range_id(), None, at(2)).await.expect("asked"), "there is no such range");
}

pub(crate) async fn a_plan_whose_job_was_never_submitted_is_found_and_a_destroyed_range_deleted(
    database: Database,
) {
    let store = &database.store;
    let (id, first) = (new_range_id(), draft("alpha"));
    store_draft(store, id, &first).await;
    assert_eq!(store.ranges_without_job(at(0), 9).await.expect("read"), [], "its job may still come");
    let found = store.ranges_without_job(at(1), 9).await.expect("read");
    assert_eq!(found.iter().map(|range| range.id).collect::<Vec<_>>(), [id]);
    let (holder, job) = hold(store, &first).await;
    assert_eq!(store.ranges_without_job(at(1), 9).await.expect("read"), []);
    store.begin_journal(holder, &pending(1)).await.expect("begun");
    store.settle_plan(holder, &settlement(RangeState::Empty)).await.expect("settled");
    assert_eq!(store.delete_destroyed_ranges(9).await.expect("asked"), 0, "its job has not ended");
    moved(store, &job, JobState::Succeeded, at(60)).await;
    assert_eq!(store.delete_destroyed_ranges(9).await.expect("deleted"), 1);
    assert_eq!(store.range(id).await.expect("read"), None);
}
