//! A separate database for each test, removed after it in every case.

use std::fs::File;

use sqlx::{AnyConnection, Connection, any::install_default_drivers};
use store::{Options, Store};
use tempfile::TempDir;
use testkit::Postgres;

/// An open store and the way to its database.
#[derive(Clone)]
pub(crate) struct Database {
    pub(crate) store: Store,
    pub(crate) url: String,
}

impl Database {
    async fn open(url: String) -> Self {
        Self { store: another(&url).await, url }
    }

    /// A second store on the same database, as another process would have it.
    pub(crate) async fn other_store(&self) -> Store {
        another(&self.url).await
    }

    /// A bare connection, for doing what the store would not.
    pub(crate) async fn connection(&self) -> AnyConnection {
        AnyConnection::connect(&self.url).await.expect("the database answers")
    }
}

async fn another(url: &str) -> Store {
    Store::open(Options { url: url.to_owned(), max_connections: 8 }).await.expect("the store opens")
}

/// Runs a test on a file in a separate directory.
pub(crate) async fn on_sqlite<F: Future<Output = ()>>(fact: fn(Database) -> F) {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("deep/er/store.db");
    check(fact, format!("sqlite://{}", path.display())).await;
}

/// Runs a fact over a new database of the test server, where there is one.
pub(crate) async fn on_postgres<F: Future<Output = ()>>(fact: fn(Database) -> F) {
    with_postgres(move |url| check(fact, url)).await;
}

/// Runs a fact over the address of an empty file.
pub(crate) async fn on_empty_sqlite<F: Future<Output = ()>>(fact: fn(String) -> F) {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("store.db");
    File::create(&path).expect("created");
    fact(format!("sqlite://{}", path.display())).await;
}

/// Runs a fact over the address of a new database without tables.
pub(crate) async fn on_empty_postgres<F: Future<Output = ()>>(fact: fn(String) -> F) {
    with_postgres(fact).await;
}

async fn with_postgres<F: Future<Output = ()>>(fact: impl FnOnce(String) -> F) {
    let Some(database) = Postgres::create() else { return };
    install_default_drivers();
    fact(database.url()).await;
}

async fn check<F: Future<Output = ()>>(fact: fn(Database) -> F, url: String) {
    let database = Database::open(url).await;
    let store = database.store.clone();
    fact(database).await;
    store.close().await;
}
