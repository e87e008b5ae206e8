//! Jobs: stored, moved, read.

use model::{Attempt, Code, Ending, Job, JobState};
use sqlx::Executor;
use store::{Error, EventQuery, JobMove};

use crate::{
    database::Database,
    samples::{
        at, claim, event_of, full_job, insert_queued, new_job_id, outcome, queued, reason, resume, running,
    },
};

pub(crate) async fn a_job_reads_back_as_it_was_written(database: Database) {
    let store = &database.store;
    for job in [queued(at(0)), full_job()] {
        let event = event_of(job.state);
        store.insert_job(&job, &event, None, store::Admission::default()).await.expect("stored");
        assert_eq!(store.job(job.id).await.expect("read").as_ref(), Some(&job));
        let events = store.events(job.id, &EventQuery::after(0, 10)).await.expect("read");
        assert_eq!(events, [model::Event { seq: 1, draft: event }]);
    }
    assert_eq!(store.job(new_job_id()).await.expect("read"), None);
}

pub(crate) async fn an_id_is_stored_once(database: Database) {
    let store = &database.store;
    let job = insert_queued(store, at(0)).await;
    let again = Job { created_at: at(1), ..job.clone() };
    let refused =
        store.insert_job(&again, &event_of(JobState::Queued), None, store::Admission::default()).await;
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
        now: at(20),
        resume: None,
        wipes_secrets: false,
        event: &event_of(JobState::Canceling),
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
    assert_eq!(store.events(job.id, &EventQuery::after(0, 10)).await.expect("read").len(), 3);
}

pub(crate) async fn a_move_and_its_event_are_stored_together_or_not_at_all(database: Database) {
    let store = &database.store;
    let (job, _) = running(store).await;
    // Takes the number of the next event, so that it cannot be stored.
    let mut connection = database.connection().await;
    let block = format!(
        "INSERT INTO events (job_id, seq, position, time, kind, changed, failed, line_end, data) \
         VALUES ('{}', {}, -1, 0, 'in_the_way', 0, 0, 0, 'null')",
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
        now: at(20),
        resume: None,
        wipes_secrets: false,
        event: &event_of(JobState::Failed),
    };

    let refused = store.move_job(&end).await;

    assert!(matches!(refused, Err(Error::Database(_))), "{refused:?}");
    assert_eq!(store.job(job.id).await.expect("read").as_ref(), Some(&job));
    assert_eq!(store.attempts(job.id).await.expect("read")[0].outcome, None);

    connection.execute("DELETE FROM events WHERE kind = 'in_the_way'").await.expect("deleted");
    let moved = store.move_job(&end).await.expect("moved");
    assert_eq!(moved.state, JobState::Failed);
    let last = store.events(job.id, &EventQuery::after(job.last_seq, 10)).await.expect("read");
    assert_eq!(last, [model::Event { seq: moved.last_seq, draft: event_of(JobState::Failed) }]);
}

pub(crate) async fn an_outcome_stays_with_its_attempt_when_the_job_is_queued_again(database: Database) {
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
        now: at(20),
        resume: None,
        wipes_secrets: false,
        event: &event_of(JobState::Failed),
    };
    let ended = store.move_job(&end).await.expect("moved");
    assert_eq!((ended.finished_at, ended.outcome.as_ref()), (Some(at(20)), Some(&failed)));

    assert_eq!((&ended.node, ended.lease_until), (&None, None));

    let resume = resume();
    let retry = JobMove {
        from: JobState::Failed,
        to: JobState::Queued,
        now: at(30),
        reason: &reason(Code::Waiting),
        outcome: None,
        resume: Some(&resume),
        event: &event_of(JobState::Queued),
        ..end
    };
    let queued = store.move_job(&retry).await.expect("moved");
    let expected = Job {
        state: JobState::Queued,
        reason: reason(Code::Waiting),
        queued_at: at(30),
        started_at: None,
        finished_at: None,
        resume: Some(resume.clone()),
        outcome: None,
        last_seq: 4,
        ..ended
    };
    assert_eq!(queued, expected);
    assert_eq!(store.job(job.id).await.expect("read"), Some(queued));

    let again = claim(store).await.expect("the job is queued again");
    assert_eq!((again.id, again.attempt, again.fence), (job.id, 2, 2));
    assert_eq!((&again.request, again.resume.as_ref()), (&job.request, Some(&resume)));
    let second = again.run.expect("a claimed job has a run");
    assert_eq!(
        store.attempts(job.id).await.expect("read"),
        [
            Attempt { number: 1, run: first, outcome: Some(failed) },
            Attempt { number: 2, run: second, outcome: None }
        ]
    );
}
