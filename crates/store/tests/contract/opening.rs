//! Opens and closes databases.

use sqlx::{Executor, Row};
use tokio::task::JoinSet;

use crate::{
    database::Database,
    samples::{at, insert_queued},
};

pub(crate) async fn migrations_run_twice_change_nothing(database: Database) {
    let job = insert_queued(&database.store, at(0)).await;
    let migrations = "SELECT COUNT(*) FROM _sqlx_migrations";
    let mut connection = database.connection().await;
    let before: i64 = connection.fetch_one(migrations).await.expect("counted").get(0);

    let other = database.other_store().await;

    let after: i64 = connection.fetch_one(migrations).await.expect("counted").get(0);
    assert_eq!(after, before);
    assert_eq!(other.job(job.id).await.expect("read"), Some(job));
    other.close().await;
}

pub(crate) async fn many_may_open_a_new_database_at_once(database: Database) {
    let mut connection = database.connection().await;
    let others = [
        "runs",
        "job_labels",
        "waits",
        "resource_locks",
        "resource_holders",
        "resource_owners",
        "idempotency",
        "events",
        "event_position",
        "deletions",
    ];
    let ranges = [
        "step_times",
        "range_secrets",
        "range_leases",
        "lease_turns",
        "journal",
        "plans",
        "ranges",
        "identity",
    ];
    let access = ["tokens", "audit", "audit_head"];
    for table in others.into_iter().chain(ranges).chain(access).chain(["jobs", "_sqlx_migrations"]) {
        connection.execute(sqlx::AssertSqlSafe(format!("DROP TABLE {table}"))).await.expect("dropped");
    }
    let mut openers = JoinSet::new();
    for _ in 0..8 {
        let database = database.clone();
        openers.spawn(async move {
            let store = database.other_store().await;
            insert_queued(&store, at(0)).await;
            store.close().await;
        });
    }
    openers.join_all().await;
    assert_eq!(database.store.counts().await.expect("counted").values().sum::<u64>(), 8);
}

pub(crate) async fn a_closed_store_answers_no_more(database: Database) {
    database.store.ping().await.expect("an open store answers");
    let clone = database.store.clone();
    database.store.close().await;
    assert!(clone.ping().await.is_err());
}
