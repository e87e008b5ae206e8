//! Tests of connections to PostgreSQL.

use sqlx::{Executor, Row};

use crate::{Options, Store};

#[tokio::test]
async fn the_server_ends_transactions_of_processes_that_are_frozen() {
    let Some(database) = testkit::Postgres::create() else { return };
    let options = Options { url: database.url().to_owned(), max_connections: 1 };
    let store = Store::open(options).await.expect("the store opens");
    let shown = store.pool.fetch_one("SHOW idle_in_transaction_session_timeout").await.expect("a row");
    assert_eq!(shown.get::<String, _>(0), "10s");
    store.close().await;
}
