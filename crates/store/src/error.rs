//! Errors of the store.

use std::{io, path::PathBuf};

use model::JobId;

/// An error of the store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL is invalid. It is not shown, because it can contain a password.
    #[error(
        "the database address cannot be used: {0}\nhint: use `sqlite:///path/to/file.db` or \
         `postgres://user@host/database`"
    )]
    Address(&'static str),
    /// The database file or its directory could not be created.
    #[error("the database file `{path}` cannot be created")]
    File {
        /// The file or directory.
        path: PathBuf,
        /// The error of the system.
        #[source]
        source: io::Error,
    },
    /// There is no database at the address, or it has no tables of a store.
    #[error("there is no database at this URL")]
    NoStore,
    /// This SQLite can corrupt its file when two connections write and checkpoint (fixed in 3.51.3).
    #[error("SQLite {found} is too old: at least 3.51.3 is needed")]
    OldSqlite {
        /// The version that was linked.
        found: String,
    },
    /// The tables could not be brought up to date.
    #[error("the tables of the database cannot be brought up to date")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// The database refused or did not answer.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// The job was deleted, was claimed again, or left the expected state. Nothing was written.
    #[error("job `{job}` is no longer as the writer knew it")]
    Stale {
        /// The job.
        job: JobId,
    },
    /// A stored value was not written by this version: another program or a newer version wrote it.
    #[error("the stored `{column}` cannot be read")]
    Unreadable {
        /// The column.
        column: &'static str,
        /// What is wrong with it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A record of the audit is not as it was written, so none before it is removed.
    #[error("the audit is broken at record {at}, so nothing of it is removed: {why}")]
    BrokenAudit {
        /// Its number.
        at: u64,
        /// What is wrong.
        why: &'static str,
    },
    /// A value that the column cannot hold. Nothing was written.
    #[error("the given `{column}` cannot be stored")]
    Unstorable {
        /// The column.
        column: &'static str,
        /// What is wrong with it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
