//! Reading events of all jobs: in one order, filtered, line by line.

use std::collections::BTreeMap;

use model::{Draft, EventKind, JobId, JobState};
use serde_json::{Value, json};
use store::{EventQuery, LogPlace};
use tokio::task::JoinSet;

use crate::{
    database::Database,
    samples::{at, claim, drafts, insert_queued, moved, running},
};

pub(crate) async fn positions_over_all_jobs_have_no_gap(database: Database) {
    const JOBS: i64 = 6;
    for milliseconds in 0..JOBS {
        insert_queued(&database.store, at(milliseconds)).await;
    }
    let other = database.other_store().await;
    let mut writers = JoinSet::new();
    for number in 0..JOBS {
        let store = if number % 2 == 0 { database.store.clone() } else { other.clone() };
        writers.spawn(async move {
            let job = claim(&store).await.expect("a job is queued");
            let run = job.run.expect("a run");
            for batch in 0..10 {
                let events = drafts(batch * 5 + 1..=batch * 5 + 5);
                store.append_events(job.id, job.fence, run, &events).await.expect("stored");
            }
            // A batch that is refused leaves no hole.
            let stale = store.append_events(job.id, job.fence + 1, run, &drafts([999])).await;
            assert!(stale.is_err(), "{stale:?}");
            moved(&store, &job, JobState::Succeeded, at(20)).await;
        });
    }
    // A reader meanwhile sees each event once and in order, or it was committed behind the reader's back.
    let all = JOBS as u64 * 53;
    let mut seen: Vec<(u64, JobId, u64)> = Vec::new();
    while (seen.len() as u64) < all {
        let after = seen.last().map_or(0, |(position, ..)| *position);
        let page = database.store.all_events(&EventQuery::after(after, 7)).await.expect("read");
        seen.extend(page.into_iter().map(|(position, job, event)| (position, job, event.seq)));
    }
    while let Some(writer) = writers.join_next().await {
        writer.expect("it wrote");
    }
    other.close().await;
    assert_eq!(database.store.last_position().await.expect("read"), all);
    assert_eq!(
        seen.iter().map(|(position, ..)| *position).collect::<Vec<_>>(),
        (1..=all).collect::<Vec<_>>()
    );
    let mut last: BTreeMap<JobId, u64> = BTreeMap::new();
    for (_, job, seq) in seen {
        let last = last.entry(job).or_default();
        assert_eq!(seq, *last + 1);
        *last = seq;
    }
}

fn kind(name: &str) -> EventKind {
    name.parse().expect("a kind")
}

pub(crate) async fn filters_select_the_requested_events(database: Database) {
    let store = &database.store;
    let (job, run) = running(store).await;
    let draft = |name: &str, host: Option<&str>, task: &str, data: Value| Draft {
        host: host.map(str::to_owned),
        task: Some(task.to_owned()),
        ..Draft::new(at(1), kind(name), data)
    };
    let changed = json!({"res": {"changed": true}});
    let events = [
        draft("playbook_on_task_start", None, "one", Value::Null),
        draft("runner_on_ok", Some("web"), "one", json!({"res": {"changed": false}})),
        draft("runner_on_ok", Some("db"), "one", changed.clone()),
        draft("playbook_on_handler_task_start", None, "two", Value::Null),
        draft("runner_on_failed", Some("web"), "two", changed.clone()),
        draft("runner_on_failed", Some("db"), "two", json!({"ignore_errors": true})),
        draft("runner_on_unreachable", Some("db\0"), "two", Value::Null),
    ];
    let events: Vec<_> = (1..).zip(events).collect();
    store.append_events(job.id, job.fence, run, &events).await.expect("stored");
    let (elsewhere, its_run) = running(store).await;
    store.append_events(elsewhere.id, elsewhere.fence, its_run, &events).await.expect("stored");
    assert_eq!(store.job(job.id).await.expect("read").expect("there").tasks, 2);
    assert_eq!(store.event_count(run).await.expect("counted"), 7);

    let any = EventQuery::after(0, 100);
    let text = |text: &str| Some(text.to_owned());
    // Numbers in the run; those in the job are larger by two.
    for (query, expected) in [
        (EventQuery { host: text("web"), ..any.clone() }, vec![2, 5]),
        (EventQuery { host: text("db\0"), ..any.clone() }, vec![7]),
        (EventQuery { host: text("absent"), ..any.clone() }, vec![]),
        (EventQuery { task: text("two"), ..any.clone() }, vec![4, 5, 6, 7]),
        (EventQuery { kind: Some(kind("runner_on_ok")), ..any.clone() }, vec![2, 3]),
        (EventQuery { changed: true, ..any.clone() }, vec![3]),
        (EventQuery { failed: true, ..any.clone() }, vec![5, 7]),
        (EventQuery { failed: true, changed: true, ..any.clone() }, vec![3, 5, 7]),
        (EventQuery { failed: true, host: text("web"), ..any.clone() }, vec![5]),
        (EventQuery { changed: true, task: text("two"), ..any.clone() }, vec![]),
        (EventQuery { failed: true, limit: 1, ..any.clone() }, vec![5]),
        (EventQuery { failed: true, after: 7, ..any.clone() }, vec![7]),
        (EventQuery { failed: true, until: Some(7), ..any.clone() }, vec![5]),
    ] {
        let found = store.events(job.id, &query).await.expect("read");
        let found: Vec<_> = found.iter().map(|event| event.seq - 2).collect();
        assert_eq!(found, expected, "{query:?}");
    }
    let everywhere = EventQuery { failed: true, limit: 3, ..any.clone() };
    let found = store.all_events(&everywhere).await.expect("read");
    let found: Vec<_> = found.iter().map(|(position, job, event)| (*position, *job, event.seq)).collect();
    assert_eq!(found, [(7, job.id, 7), (9, job.id, 9), (16, elsewhere.id, 7)]);
    let between = EventQuery { after: 7, until: Some(9), ..everywhere };
    assert_eq!(store.all_events(&between).await.expect("read").len(), 1);
}

pub(crate) async fn a_line_is_found_by_its_number(database: Database) {
    let store = &database.store;
    let (job, run) = running(store).await;
    assert_eq!(store.line_count(job.id).await.expect("read"), Some(0));
    let texts = [Some("1"), None, Some("2\n3\n4"), Some(""), None, Some("6\n"), Some("8")];
    let mut events = drafts(1..=7);
    for ((_, event), text) in events.iter_mut().zip(texts) {
        event.stdout = text.map(str::to_owned);
    }
    // In two batches: the count continues after the first.
    for batch in [&events[..3], &events[3..]] {
        store.append_events(job.id, job.fence, run, batch).await.expect("stored");
    }
    assert_eq!(store.line_count(job.id).await.expect("read"), Some(8));
    let place = |seq, first_line| Some(LogPlace { seq, first_line });
    for (line, expected) in [
        (0, place(3, 1)),
        (1, place(3, 1)),
        (2, place(5, 2)),
        (4, place(5, 2)),
        (5, place(6, 5)),
        (6, place(8, 6)),
        (7, place(8, 6)),
        (8, place(9, 8)),
        (9, None),
        (u64::MAX, None),
    ] {
        assert_eq!(store.log_place(job.id, line).await.expect("read"), expected, "{line}");
    }
    // The event of the end prints nothing.
    moved(store, &job, JobState::Succeeded, at(20)).await;
    assert_eq!(store.line_count(job.id).await.expect("read"), Some(8));
}
