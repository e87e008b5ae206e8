//! Writing events: they are numbered, and read in order.

use std::sync::Arc;

use model::{Code, Draft, Event, EventKind, JobState};
use serde_json::{Value, json};
use store::{Error, EventQuery, JobMove, Store};
use tokio::task::JoinSet;

use crate::{
    database::Database,
    samples::{at, draft, drafts, event_of, reason, running},
};

async fn all(store: &Store, job: model::JobId) -> Vec<Event> {
    store.events(job, &EventQuery::after(0, 1_000_000)).await.expect("read")
}

pub(crate) async fn events_read_back_as_they_were_written(database: Database) {
    let store = &database.store;
    let (job, run) = running(store).await;
    let bare = Draft::new(at(3), EventKind::VERBOSE, Value::Null);
    let odd = json!({"z": 1, "a": [1.5, -3, 9_007_199_254_740_993_u64, null, {"": "'\"\\"}], "m": "\r\n"});
    let written = [draft(1), bare, Draft { stdout: Some(String::new()), data: odd, ..draft(3) }];
    let numbered: Vec<_> = (1..).zip(written.clone()).collect();
    assert_eq!(store.append_events(job.id, job.fence, run, &numbered).await.expect("stored"), 5);
    let expected: Vec<_> = (3..).zip(written).map(|(seq, draft)| Event { seq, draft }).collect();
    assert_eq!(store.events(job.id, &EventQuery::after(2, 10)).await.expect("read"), expected);
    assert_eq!(store.events(job.id, &EventQuery::after(3, 1)).await.expect("read"), expected[1..2]);
}

pub(crate) async fn events_are_numbered_without_gap_or_repeat_under_concurrent_writers(database: Database) {
    let (job, run) = running(&database.store).await;
    let job = Arc::new(job);
    let other = database.other_store().await;
    let mut writers = JoinSet::new();
    for writer in 0..8_u64 {
        // Every batch is written by two writers, one of them as from another process.
        let store = if writer % 2 == 0 { database.store.clone() } else { other.clone() };
        let job = Arc::clone(&job);
        writers.spawn(async move {
            for batch in 0..10 {
                let first = (writer / 2 * 10 + batch) * 7 + 1;
                let events = drafts(first..first + 7);
                store.append_events(job.id, job.fence, run, &events).await.expect("stored");
            }
        });
    }
    let (store, moved) = (other.clone(), Arc::clone(&job));
    writers.spawn(async move {
        let mut states = [JobState::Running, JobState::Canceling];
        for _ in 0..20 {
            let [from, to] = states;
            let (id, fence, reason, event) = (moved.id, moved.fence, &moved.reason, &event_of(to));
            let job_move = JobMove {
                id,
                from,
                fence,
                to,
                reason,
                outcome: None,
                now: at(20),
                resume: None,
                wipes_secrets: false,
                event,
            };
            store.move_job(&job_move).await.expect("moved");
            states.reverse();
        }
    });
    writers.join_all().await;
    other.close().await;

    let events = all(&database.store, job.id).await;
    let last = 2 + 4 * 10 * 7 + 20;
    assert_eq!(events.iter().map(|event| event.seq).collect::<Vec<_>>(), (1..=last).collect::<Vec<_>>());
    assert_eq!(database.store.job(job.id).await.expect("read").expect("there").last_seq, last);
    let mut numbers: Vec<_> = events.iter().filter_map(|event| event.draft.data["number"].as_u64()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=280).collect::<Vec<_>>());
}

pub(crate) async fn ingesting_the_same_events_twice_changes_nothing(database: Database) {
    let store = &database.store;
    let (job, run) = running(store).await;
    assert_eq!(store.last_run_seq(run).await.expect("read"), 0);
    let append = |events: Vec<(u64, Draft)>| async move {
        store.append_events(job.id, job.fence, run, &events).await.expect("stored")
    };
    assert_eq!(append(drafts(1..=100)).await, 102);
    let once = all(store, job.id).await;

    assert_eq!(append(drafts(1..=100)).await, 102);
    assert_eq!(append(drafts(40..=60)).await, 102);
    assert_eq!(append(Vec::new()).await, 102);
    assert_eq!(all(store, job.id).await, once);

    // Overlapping in part, and with repeats inside.
    assert_eq!(append(drafts((90..=110).chain(105..=112))).await, 114);
    let twice = all(store, job.id).await;
    assert_eq!(twice[..102], once);
    let numbers: Vec<_> = twice[2..].iter().map(|event| event.draft.data["number"].as_u64()).collect();
    assert_eq!(numbers, (1..=112).map(Some).collect::<Vec<_>>());
    assert_eq!(store.last_run_seq(run).await.expect("read"), 112);
}

pub(crate) async fn a_batch_is_stored_whole_or_not_at_all(database: Database) {
    let store = &database.store;
    let (job, run) = running(store).await;
    let mut events = drafts(1..=99);
    events.push((u64::MAX, draft(100)));
    let refused = store.append_events(job.id, job.fence, run, &events).await;
    assert!(matches!(refused, Err(Error::Unstorable { column: "run_seq", .. })), "{refused:?}");

    // Takes a number in the middle of the batch, so that a later statement of it fails.
    let mut connection = database.connection().await;
    let block = format!(
        "INSERT INTO events (job_id, seq, position, time, kind, changed, failed, line_end, data) \
         VALUES ('{}', {}, -1, 0, 'in_the_way', 0, 0, 0, 'null')",
        job.id,
        job.last_seq + 90
    );
    sqlx::Executor::execute(&mut connection, sqlx::AssertSqlSafe(block)).await.expect("stored");
    let refused = store.append_events(job.id, job.fence, run, &drafts(1..=99)).await;
    assert!(matches!(refused, Err(Error::Database(_))), "{refused:?}");

    assert_eq!(store.last_run_seq(run).await.expect("read"), 0);
    assert_eq!(store.job(job.id).await.expect("read"), Some(job));
    assert_eq!(store.last_position().await.expect("read"), 2);
}

pub(crate) async fn a_batch_of_any_size_is_stored_in_order(database: Database) {
    let store = &database.store;
    let (job, run) = running(store).await;
    let mut first = 1;
    for size in [1, 2, 3, 4, 5, 15, 16, 17, 63, 64, 65, 85, 1000] {
        let last = store.append_events(job.id, job.fence, run, &drafts(first..first + size)).await;
        first += size;
        assert_eq!(last.expect("stored"), first + 1);
    }
    let events = all(store, job.id).await;
    let expected: Vec<_> = (1..first).map(|number| Event { seq: number + 2, draft: draft(number) }).collect();
    assert_eq!(events[2..], expected);
}

pub(crate) async fn unicode_is_kept_and_nul_is_replaced(database: Database) {
    let store = &database.store;
    let (job, run) = running(store).await;
    let text = "ünï 日本 💥 \u{1b}[0;32m \u{fffe} \u{10ffff} \r\n\t\u{1}";
    let with_nul = |text: &str| Some(format!("{text}\0{text}\0"));
    let written = Draft {
        host: with_nul(text),
        play: with_nul("play"),
        task: with_nul("task"),
        stdout: with_nul(text),
        ..Draft::new(at(1), EventKind::VERBOSE, json!({text: [text, "nul \0 in JSON is kept"]}))
    };
    store.append_events(job.id, job.fence, run, &[(1, written.clone())]).await.expect("stored");

    let read = store.events(job.id, &EventQuery::after(2, 1)).await.expect("read").remove(0).draft;

    let replaced = |text: Option<String>| text.map(|text| text.replace('\0', "\u{fffd}"));
    let expected = Draft {
        host: replaced(written.host),
        play: replaced(written.play),
        task: replaced(written.task),
        stdout: replaced(written.stdout),
        ..written
    };
    assert_eq!(read, expected);

    let mut event = event_of(JobState::Canceling);
    event.host = Some("\0".to_owned());
    let reason = &model::Reason { message: format!("{text}\0"), ..reason(Code::Canceling) };
    let (id, from, to) = (job.id, JobState::Running, JobState::Canceling);
    let outcome = None;
    let cancel = JobMove {
        id,
        from,
        fence: job.fence,
        to,
        reason,
        outcome,
        now: at(20),
        resume: None,
        wipes_secrets: false,
        event: &event,
    };
    assert_eq!(store.move_job(&cancel).await.expect("moved").reason, *reason);
}

pub(crate) async fn lines_are_the_events_that_printed_something(database: Database) {
    let store = &database.store;
    let (job, run) = running(store).await;
    let mut events = drafts(1..=6);
    for silent in [0, 2, 5] {
        events[silent].1.stdout = None;
    }
    events[3].1.stdout = Some("two\nlines".to_owned());
    store.append_events(job.id, job.fence, run, &events).await.expect("stored");
    let line = |seq, text: &str| (seq, text.to_owned());
    let expected = [line(4, "ok: [web] 2"), line(6, "two\nlines"), line(7, "ok: [web] 5")];
    assert_eq!(store.event_lines(job.id, 0, 10).await.expect("read"), expected);
    assert_eq!(store.event_lines(job.id, 4, 1).await.expect("read"), expected[1..2]);
    assert_eq!(store.event_lines(job.id, 7, 10).await.expect("read"), []);
}

pub(crate) async fn numbers_past_the_end_find_nothing(database: Database) {
    let store = &database.store;
    let (job, _) = running(store).await;
    for after in [2, 3, u64::MAX] {
        assert_eq!(store.events(job.id, &EventQuery::after(after, u32::MAX)).await.expect("read"), []);
    }
    assert_eq!(store.events(job.id, &EventQuery::after(0, 0)).await.expect("read"), []);
}
