//! How long steps took: kept by platform, the latest ones, beyond the end of their range.

use model::{JournalPhase, PlanId, RangeState};
use store::StepTime;
use uuid::Uuid;

use crate::{
    database::Database,
    range_samples::{draft, hold, new_range_id, pending, settlement, store_draft},
    samples::{at, moved},
};

fn time(step: u32, subject: &str, took_ms: u64) -> StepTime {
    StepTime {
        step,
        kind: "machine.ensure".to_owned(),
        is_change: false,
        subject: subject.to_owned(),
        took_ms,
    }
}

fn new_plan_id() -> PlanId {
    PlanId::from_uuid(Uuid::now_v7())
}

pub(crate) async fn the_latest_times_of_steps_outlive_their_range(database: Database) {
    let store = &database.store;
    let (range, plan) = (new_range_id(), draft("alpha"));
    store_draft(store, range, &plan).await;
    let (holder, job) = hold(store, &plan).await;
    store.begin_journal(holder, &pending(1)).await.expect("begun");
    store.write_journal(holder, JournalPhase::Forward, &[]).await.expect("written");

    let change = StepTime { is_change: true, ..time(3, "debian", 50) };
    let first = [time(0, "debian", 100), time(1, "debian", 200), time(2, "", 7), change.clone()];
    store.record_step_times("lab", plan.id, at(10), &first, 3).await.expect("recorded");
    // The plan is resumed, and ends again.
    store.record_step_times("lab", plan.id, at(20), &first, 3).await.expect("recorded");
    assert_eq!(
        store.step_times("lab").await.expect("read"),
        [time(2, "", 7), time(0, "debian", 100), time(1, "debian", 200), change.clone()]
    );

    store.settle_plan(holder, &settlement(RangeState::Empty)).await.expect("settled");
    moved(store, &job, model::JobState::Succeeded, at(60)).await;
    assert!(store.delete_range(range).await.expect("deleted"));
    let second = [time(0, "debian", 300), time(4, "debian", 400)];
    store.record_step_times("lab", new_plan_id(), at(70), &second, 3).await.expect("recorded");
    store
        .record_step_times("other", new_plan_id(), at(80), &[time(0, "debian", 9)], 3)
        .await
        .expect("recorded");
    assert_eq!(
        store.step_times("lab").await.expect("read"),
        [time(2, "", 7), time(1, "debian", 200), time(0, "debian", 300), time(4, "debian", 400), change]
    );
    assert_eq!(store.step_times("other").await.expect("read"), [time(0, "debian", 9)]);
}
