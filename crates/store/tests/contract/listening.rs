//! Notifications of changes by other processes.

use std::time::Duration;

use model::JobState;
use sqlx::Executor;
use store::{Backend, Listener, Notification};
use tokio::time::timeout;

use crate::{
    database::Database,
    samples::{at, claim, drafts, insert_queued, moved},
};

async fn next(listener: &mut Listener) -> Notification {
    timeout(Duration::from_secs(30), listener.next()).await.expect("a notification arrives")
}

pub(crate) async fn a_listener_hears_of_another_connections_job(database: Database) {
    let other = database.other_store().await;
    let listener = database.store.listen().await.expect("connected");
    let Some(mut listener) = listener else {
        assert_eq!(database.store.backend(), Backend::Sqlite);
        return;
    };
    assert!(!format!("{:?} {listener:?}", database.store).contains("postgres://"));

    let job = insert_queued(&other, at(0)).await;
    assert_eq!(next(&mut listener).await, Notification::Job(job.id));
    let claimed = claim(&other).await.expect("a job is queued");
    assert_eq!(next(&mut listener).await, Notification::Job(job.id));
    let run = claimed.run.expect("a run");
    other.append_events(job.id, claimed.fence, run, &drafts(1..=100)).await.expect("stored");
    assert_eq!(next(&mut listener).await, Notification::Job(job.id));
    let failed = moved(&other, &claimed, JobState::Failed, at(9)).await;
    assert_eq!(next(&mut listener).await, Notification::Job(job.id));
    moved(&other, &failed, JobState::Queued, at(10)).await;
    assert_eq!(next(&mut listener).await, Notification::Job(job.id));

    // A rolled back change is not notified, and unknown notifications are ignored.
    let refused = other.append_events(job.id, claimed.fence, run, &drafts([101])).await;
    assert!(refused.is_err(), "{refused:?}");
    let mut connection = database.connection().await;
    connection.execute("SELECT pg_notify('rangehand', 'hello')").await.expect("notified");
    let last = insert_queued(&other, at(1)).await;
    assert_eq!(next(&mut listener).await, Notification::Job(last.id));
    other.close().await;
}

pub(crate) async fn a_listener_says_when_it_may_have_missed_something(database: Database) {
    let Some(mut listener) = database.store.listen().await.expect("connected") else { return };
    let mut connection = database.connection().await;
    let cut = "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity \
               WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    connection.execute(cut).await.expect("cut");
    assert_eq!(next(&mut listener).await, Notification::Reconnected);
    let job = insert_queued(&database.store, at(0)).await;
    assert_eq!(next(&mut listener).await, Notification::Job(job.id));
}
