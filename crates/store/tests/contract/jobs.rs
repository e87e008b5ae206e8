//! Jobs: stored, moved, read, listed, deleted.

use model::{Attempt, Code, Ending, Job, JobState};
use sqlx::{Executor, Row};
use store::{Error, JobMove};

use crate::{
    database::Database,
    samples::{
        at, claim, drafts, full_job, insert_queued, new_job_id, outcome, queued, reason, running, told,
    },
};

pub(crate) async fn a_job_reads_back_as_it_was_written(database: Database) {
    let store = &database.store;
    for job in [queued(at(0)), full_job()] {
        let event = told(job.state);
        store.insert_job(&job, &event).await.expect("stored");
        assert_eq!(store.job(job.id).await.expect("read").as_ref(), Some(&job));
        let events = store.events(job.id, 0, 10).await.expect("read");
        assert_eq!(events, [model::Event { seq: 1, draft: event }]);
    }
    assert_eq!(store.job(new_job_id()).await.expect("read"), None);
}

pub(crate) async fn an_id_is_stored_once(database: Database) {
    let store = &database.store;
    let job = insert_queued(store, at(0)).await;
    let again = Job { created_at: at(1), ..job.clone() };
    let refused = store.insert_job(&again, &told(JobState::Queued)).await;
    assert!(matches!(refused, Err(Error::Database(_))), "{refused:?}");
    assert_eq!(store.job(job.id).await.expect("read"), Some(job));
}

pub(crate) async fn a_move_needs_the_expected_state(database: Database) {
    let store = &database.store;
    let (job, _) = running(store).await;
    let cancel = JobMove {
        id: job.id,
        from: JobState::Running,
        fence: job.fence,
        to: JobState::Canceling,
        reason: &reason(Code::Canceling),
        outcome: None,
        finished_at: None,
        event: &told(JobState::Canceling),
    };
    let moved = store.move_job(&cancel).await.expect("moved");
    let canceling =
        Job { state: JobState::Canceling, reason: reason(Code::Canceling), last_seq: 3, ..job.clone() };
    assert_eq!(moved, canceling);

    for refused in [cancel, JobMove { id: new_job_id(), ..cancel }] {
        let refused = store.move_job(&refused).await;
        assert!(matches!(refused, Err(Error::Stale { .. })), "{refused:?}");
    }
    assert_eq!(store.job(job.id).await.expect("read"), Some(canceling));
    assert_eq!(store.events(job.id, 0, 10).await.expect("read").len(), 3);
}

pub(crate) async fn a_move_and_its_event_are_stored_together_or_not_at_all(database: Database) {
    let store = &database.store;
    let (job, _) = running(store).await;
    // Takes the number of the next event, so that it cannot be stored.
    let mut connection = database.connection().await;
    let block = format!(
        "INSERT INTO events (job_id, seq, time, kind, data) VALUES ('{}', {}, 0, 'in_the_way', 'null')",
        job.id,
        job.last_seq + 1
    );
    connection.execute(sqlx::AssertSqlSafe(block)).await.expect("stored");
    let end = JobMove {
        id: job.id,
        from: JobState::Running,
        fence: job.fence,
        to: JobState::Failed,
        reason: &reason(Code::TaskFailed),
        outcome: Some(&outcome(Ending::Failed)),
        finished_at: Some(at(20)),
        event: &told(JobState::Failed),
    };

    let refused = store.move_job(&end).await;

    assert!(matches!(refused, Err(Error::Database(_))), "{refused:?}");
    assert_eq!(store.job(job.id).await.expect("read").as_ref(), Some(&job));
    assert_eq!(store.attempts(job.id).await.expect("read")[0].outcome, None);

    connection.execute("DELETE FROM events WHERE kind = 'in_the_way'").await.expect("deleted");
    let moved = store.move_job(&end).await.expect("moved");
    assert_eq!(moved.state, JobState::Failed);
    let last = store.events(job.id, job.last_seq, 10).await.expect("read");
    assert_eq!(last, [model::Event { seq: moved.last_seq, draft: told(JobState::Failed) }]);
}

pub(crate) async fn an_outcome_is_kept_with_its_attempt_and_through_a_retry(database: Database) {
    let store = &database.store;
    let (job, first) = running(store).await;
    let failed = outcome(Ending::Failed);
    let end = JobMove {
        id: job.id,
        from: JobState::Running,
        fence: job.fence,
        to: JobState::Failed,
        reason: &reason(Code::TaskFailed),
        outcome: Some(&failed),
        finished_at: Some(at(20)),
        event: &told(JobState::Failed),
    };
    let ended = store.move_job(&end).await.expect("moved");
    assert_eq!((ended.finished_at, ended.outcome.as_ref()), (Some(at(20)), Some(&failed)));

    let retry = JobMove {
        from: JobState::Failed,
        to: JobState::Queued,
        reason: &reason(Code::Waiting),
        outcome: None,
        finished_at: None,
        event: &told(JobState::Queued),
        ..end
    };
    let queued = store.move_job(&retry).await.expect("moved");
    assert_eq!((queued.finished_at, queued.outcome.as_ref()), (None, Some(&failed)));

    let again = claim(store).await.expect("the job is queued again");
    assert_eq!((again.id, again.attempt, again.fence), (job.id, 2, 2));
    let second = again.run.expect("a claimed job has a run");
    assert_eq!(
        store.attempts(job.id).await.expect("read"),
        [
            Attempt { number: 1, run: first, outcome: Some(failed) },
            Attempt { number: 2, run: second, outcome: None }
        ]
    );
}

pub(crate) async fn jobs_are_listed_newest_first_page_by_page(database: Database) {
    let store = &database.store;
    let mut expected = Vec::new();
    // Several jobs have the same time: then their ids decide.
    for milliseconds in [3, 1, 2, 2, 2, 9, 9] {
        expected.push(insert_queued(store, at(milliseconds)).await);
    }
    let failed = full_job();
    store.insert_job(&failed, &told(JobState::Failed)).await.expect("stored");
    expected.push(failed.clone());
    expected.sort_by_key(|job| std::cmp::Reverse((job.created_at, job.id)));

    let pages = |state: Option<JobState>| async move {
        let (mut listed, mut before) = (Vec::new(), None);
        loop {
            let page = store.jobs(before, state, 3).await.expect("listed");
            let Some(last) = page.last() else { break listed };
            before = Some((last.created_at, last.id));
            listed.extend(page);
        }
    };
    assert_eq!(pages(None).await, expected);
    assert_eq!(pages(Some(JobState::Failed)).await, [failed]);
    expected.retain(|job| job.state == JobState::Queued);
    assert_eq!(pages(Some(JobState::Queued)).await, expected);
    assert_eq!(pages(Some(JobState::Lost)).await, []);
}

pub(crate) async fn a_deleted_job_leaves_nothing(database: Database) {
    let store = &database.store;
    let (kept, kept_run) = running(store).await;
    let (job, run) = running(store).await;
    store.append_events(kept.id, kept.fence, kept_run, &drafts(1..=3)).await.expect("stored");
    store.append_events(job.id, job.fence, run, &drafts(1..=3)).await.expect("stored");

    assert!(store.delete_job(job.id).await.expect("deleted"));
    assert!(!store.delete_job(job.id).await.expect("nothing to delete"));

    assert_eq!(store.job(job.id).await.expect("read"), None);
    let mut connection = database.connection().await;
    for (table, left) in [("jobs", 1), ("runs", 1), ("events", 5)] {
        let count = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"));
        let count: i64 = connection.fetch_one(count).await.expect("counted").get(0);
        assert_eq!(count, left, "{table}");
    }
    assert_eq!(store.events(kept.id, 0, 10).await.expect("read").len(), 5);
}
