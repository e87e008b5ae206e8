//! Journals of plans: written completely, in order, and only by the holder of the plan.

use model::{JobState, JournalChange, JournalEntry, JournalPhase, StepState};
use store::{Error, PlanHolder, Store};
use tokio::task::JoinSet;

use crate::{
    database::Database,
    range_samples::{draft, hold, new_range_id, pending, store_draft},
    samples::{at, claim, insert_queued, moved},
};

/// A running plan with this number of steps.
async fn begun(store: &Store, steps: usize) -> (PlanHolder, model::Job) {
    let plan = draft("alpha");
    store_draft(store, new_range_id(), &plan).await;
    let (holder, job) = hold(store, &plan).await;
    assert_eq!(store.journal(plan.id).await.expect("read"), None);
    store.begin_journal(holder, &pending(steps)).await.expect("begun");
    (holder, job)
}

fn change(step: u32, from: StepState, to: StepState) -> JournalChange {
    let tag = format!("range-1/step-{step}");
    JournalChange { step, from, entry: JournalEntry { state: to, ..JournalEntry::pending(tag) } }
}

fn is_stale<T: std::fmt::Debug>(written: Result<T, Error>) {
    assert!(matches!(written, Err(Error::Stale { .. })), "{written:?}");
}

pub(crate) async fn a_journal_reads_back_as_it_was_written(database: Database) {
    let store = &database.store;
    let (holder, _) = begun(store, 250).await;
    let record = store.journal(holder.plan).await.expect("read").expect("begun");
    assert_eq!((record.phase, record.entries), (JournalPhase::Forward, pending(250)));

    let full = JournalEntry {
        state: StepState::Left,
        tag: "range-1/step-249".to_owned(),
        handle: Some("UPID:pve1:0001".to_owned()),
        output: Some("{\"address\": \"10.0.0.1\"}".to_owned()),
        why: Some("the machine is löcked".to_owned()),
        remedy: Some("remove `web` by hand".to_owned()),
        took_ms: Some(1_234),
    };
    // Several changes of one step in one write, in order.
    let changes = [
        change(249, StepState::Pending, StepState::Started),
        change(249, StepState::Started, StepState::Failed),
        JournalChange { step: 249, from: StepState::Failed, entry: full.clone() },
        change(0, StepState::Pending, StepState::Started),
    ];
    store.write_journal(holder, JournalPhase::Back, &changes).await.expect("written");
    let record = store.journal(holder.plan).await.expect("read").expect("begun");
    assert_eq!((record.phase, &record.entries[249]), (JournalPhase::Back, &full));
    assert_eq!(record.entries[0].state, StepState::Started);
    assert_eq!(record.entries[1..249], pending(250)[1..249]);
    assert_eq!(store.plan(holder.plan).await.expect("read").expect("there").phase, JournalPhase::Back);
    // It is begun once.
    assert!(store.begin_journal(holder, &pending(1)).await.is_err());
}

pub(crate) async fn a_write_of_the_journal_is_whole_or_nothing(database: Database) {
    let store = &database.store;
    let (holder, _) = begun(store, 3).await;
    let before = store.journal(holder.plan).await.expect("read");
    for wrong in
        [change(1, StepState::Done, StepState::Undoing), change(3, StepState::Pending, StepState::Started)]
    {
        let changes = [change(0, StepState::Pending, StepState::Started), wrong];
        is_stale(store.write_journal(holder, JournalPhase::Back, &changes).await);
        assert_eq!(store.journal(holder.plan).await.expect("read"), before);
    }
}

pub(crate) async fn a_former_holder_does_not_write_the_journal(database: Database) {
    let store = &database.store;
    let (old, job) = begun(store, 2).await;
    let start = [change(0, StepState::Pending, StepState::Started)];
    for other in [
        PlanHolder { fence: old.fence + 1, ..old },
        PlanHolder { fence: 0, ..old },
        PlanHolder { job: insert_queued(store, at(1)).await.id, ..old },
    ] {
        is_stale(store.write_journal(other, JournalPhase::Forward, &start).await);
    }
    let taken = store.take_over(job.id, job.fence, "there", at(5000), at(9000)).await.expect("taken over");
    is_stale(store.write_journal(old, JournalPhase::Forward, &start).await);
    let new = PlanHolder { fence: taken.fence, ..old };
    store.write_journal(new, JournalPhase::Forward, &start).await.expect("written");
    // An ended job holds nothing.
    moved(store, &taken, JobState::Failed, at(6000)).await;
    is_stale(store.write_journal(new, JournalPhase::Ended, &[]).await);
}

pub(crate) async fn a_plan_is_taken_by_another_job_once_its_job_has_ended(database: Database) {
    let store = &database.store;
    let (old, job) = begun(store, 2).await;
    insert_queued(store, at(1)).await;
    let resuming = claim(store).await.expect("queued");
    let new = PlanHolder { plan: old.plan, job: resuming.id, fence: resuming.fence };
    is_stale(store.take_plan(new).await);
    moved(store, &job, JobState::Failed, at(10)).await;
    is_stale(store.write_journal(new, JournalPhase::Forward, &[]).await);
    store.take_plan(new).await.expect("taken");
    store.take_plan(new).await.expect("once more");
    let start = [change(1, StepState::Pending, StepState::Started)];
    store.write_journal(new, JournalPhase::Forward, &start).await.expect("written");
    assert_eq!(store.plan(new.plan).await.expect("read").expect("there").job, resuming.id);
    is_stale(store.write_journal(old, JournalPhase::Forward, &[]).await);
}

pub(crate) async fn a_takeover_reads_all_that_the_former_holder_wrote(database: Database) {
    let store = &database.store;
    let (holder, job) = begun(store, 400).await;
    let other = database.other_store().await;
    let mut writers = JoinSet::new();
    let writing = store.clone();
    writers.spawn(async move {
        let mut written = 0;
        for step in 0..400 {
            let start = [change(step, StepState::Pending, StepState::Started)];
            match writing.write_journal(holder, JournalPhase::Forward, &start).await {
                Ok(()) => written += 1,
                Err(Error::Stale { .. }) => break,
                Err(error) => panic!("{error:?}"),
            }
        }
        written
    });
    while other.journal(holder.plan).await.expect("read").is_none_or(|record| started(&record.entries) < 5) {
        tokio::task::yield_now().await;
    }
    other.take_over(job.id, job.fence, "there", at(5000), at(9000)).await.expect("taken over");
    let read = started(&other.journal(holder.plan).await.expect("read").expect("begun").entries);
    let written = writers.join_next().await.expect("one writer").expect("no panic");
    assert_eq!(read, written, "nothing is written after the takeover");
    other.close().await;
}

fn started(entries: &[JournalEntry]) -> usize {
    entries.iter().filter(|entry| entry.state == StepState::Started).count()
}
