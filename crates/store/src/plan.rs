//! For tests: how SQLite would go about a statement.

use sqlx::{AssertSqlSafe, Row};

use crate::{Options, Store};

/// The steps of the plan, one per line, on a database with all tables and no rows: what it looks like then it also
/// looks like later, because `ANALYZE` is never run.
pub(crate) async fn plan(statement: &str) -> String {
    let directory = tempfile::tempdir().expect("a directory");
    let url = format!("sqlite://{}/plan.db", directory.path().display());
    let store = Store::open(Options { url, max_connections: 1 }).await.expect("opened");
    let explain = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}")));
    let rows = explain.fetch_all(&store.pool).await.expect("a plan");
    store.close().await;
    rows.iter().map(|row| row.get::<String, _>("detail") + "\n").collect()
}
