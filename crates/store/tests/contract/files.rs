//! SQLite files, and database URLs.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use store::{Backend, Error, Options, Store};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::samples::{at, insert_queued};

async fn open(url: String) -> Result<Store, Error> {
    Store::open(Options { url, max_connections: 2 }).await
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

#[tokio::test]
async fn files_and_directories_are_for_their_owner_alone() {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("new/deep #%41 é/store.db");
    let store = open(format!("sqlite://{}", path.display())).await.expect("opened");
    insert_queued(&store, at(0)).await;
    assert_eq!(store.backend(), Backend::Sqlite);
    assert_eq!(mode(&directory.path().join("new")), 0o700);
    assert_eq!(mode(path.parent().expect("a parent")), 0o700);
    for suffix in ["", "-wal", "-shm"] {
        assert_eq!(mode(Path::new(&format!("{}{suffix}", path.display()))), 0o600, "{suffix}");
    }
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_may_open_a_new_file_at_once() {
    let directory = TempDir::new().expect("a directory");
    for file in 0..10 {
        let url = format!("sqlite://{}/{file}.db", directory.path().display());
        let mut openers = JoinSet::new();
        for _ in 0..8 {
            openers.spawn(open(url.clone()));
        }
        for store in openers.join_all().await {
            store.expect("opened").close().await;
        }
    }
}

#[tokio::test]
async fn addresses_of_no_database_are_refused_and_not_repeated() {
    let directory = TempDir::new().expect("a directory");
    let here = directory.path().display();
    for url in [
        "",
        "sqlite:",
        "sqlite://",
        "sqlite::memory:",
        "mysql://root:secret@localhost/x",
        "/var/lib/secret.db",
        &format!("sqlite://{here}/"),
        &format!("sqlite://{here}/secret.db?mode=ro"),
    ] {
        let refused = open(url.to_owned()).await.expect_err(url);
        assert!(matches!(refused, Error::Address(_)), "{url}: {refused:?}");
        assert!(!refused.to_string().contains("secret"), "{refused}");
    }
    let refused = open("sqlite:///dev/null/store.db".to_owned()).await.expect_err("no directory");
    assert!(matches!(refused, Error::File { .. }), "{refused:?}");
    assert_eq!(fs::read_dir(directory.path()).expect("read").count(), 0);
}
