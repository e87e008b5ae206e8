//! Opening a store: the file, the connections, the tables.

use std::{
    fs::{DirBuilder, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
    time::Duration,
};

use sqlx::{
    AnyConnection, AnyPool, ConnectOptions, Connection, Executor, Row, SqlSafeStr,
    any::{AnyConnectOptions, AnyPoolOptions},
    migrate::{MigrateError, Migration, MigrationType, Migrator},
};
use tokio::{sync::Mutex, time::sleep};

use crate::{Backend, Error, Options, Store, channel};

/// All changes to the tables, oldest first. A change that was ever released is never edited.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "jobs, runs and events", include_str!("../migrations/0001_jobs_runs_events.sql")),
    (2, "tokens and the audit", include_str!("../migrations/0002_access.sql")),
    (3, "secrets of jobs", include_str!("../migrations/0003_secrets.sql")),
    (4, "runs that never began", include_str!("../migrations/0004_never_began.sql")),
    (5, "warnings of jobs", include_str!("../migrations/0005_warnings.sql")),
    (6, "callers of jobs", include_str!("../migrations/0006_owners.sql")),
    (7, "locks by mode and owner", include_str!("../migrations/0007_locks.sql")),
    (8, "parents and submitters of jobs", include_str!("../migrations/0008_parents.sql")),
    (9, "ranges, plans and leases", include_str!("../migrations/0009_ranges.sql")),
    (10, "secrets of ranges", include_str!("../migrations/0010_range_secrets.sql")),
    (11, "durations of steps", include_str!("../migrations/0011_step_times.sql")),
];

/// The first release without the corruption of a file by writing and checkpointing at the same time.
const OLDEST_SQLITE: [u32; 3] = [3, 51, 3];

/// SQLite's code for `database is locked`, as sqlx returns it.
const SQLITE_BUSY: &str = "5";

/// For every connection to SQLite. `FULL`: in WAL mode `NORMAL` loses the last commits when power fails, and an
/// accepted job must not be lost. The timeout only ever waits for writers of other processes. `secure_delete`: what is
/// wiped is overwritten where it costs no page more to write. `wal_autocheckpoint`: 4000 pages are 16 MB; the default of 1000
/// carries the same pages of indexes into the file four times as often.
const EACH_SQLITE_CONNECTION: &str = "PRAGMA busy_timeout = 30000; PRAGMA foreign_keys = ON; \
     PRAGMA synchronous = FULL; PRAGMA secure_delete = FAST; PRAGMA wal_autocheckpoint = 4000";

/// For every connection to PostgreSQL. A process that is frozen within a transaction keeps its locks, which other nodes need to take over
/// its jobs. Transactions here never wait for anything but the database.
const EACH_POSTGRES_CONNECTION: &str = "SET idle_in_transaction_session_timeout = '10s'";

impl Store {
    /// Opens the database, and brings its tables up to date.
    ///
    /// A missing SQLite file is made with mode 0600, its missing directories with mode 0700. A PostgreSQL
    /// database must be there.
    ///
    /// # Errors
    /// If the URL is not supported, the file cannot be created, the database does not respond, or it was
    /// written by a newer version.
    pub async fn open(options: Options) -> Result<Self, Error> {
        sqlx::any::install_default_drivers();
        let pool_options = AnyPoolOptions::new()
            .max_connections(options.max_connections.max(1))
            // When a disk is full, SQLite ends a transaction by itself, which the library does not notice: it continues
            // to take the connection for one within a transaction and refuses to begin another. Such a connection
            // is closed and another one taken.
            .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }));
        let (backend, pool) = match options.url.split_once(':') {
            Some(("sqlite", path)) => (Backend::Sqlite, open_file(path, pool_options).await?),
            Some(("postgres" | "postgresql", _)) => {
                let pool_options = execute_on_each_connection(pool_options, EACH_POSTGRES_CONNECTION);
                let pool = pool_options.connect_with(connect_options(&options.url)?).await?;
                (Backend::Postgres, pool)
            }
            _ => return Err(Error::Address("its scheme is neither `sqlite` nor `postgres`")),
        };
        migrate(&pool, backend).await?;
        let address = match backend {
            Backend::Sqlite => None,
            Backend::Postgres => Some(channel::Address(options.url.into())),
        };
        Ok(Self { pool, backend, turn: Arc::new(Mutex::new(())), address })
    }
}

impl Store {
    /// Opens an existing store, for commands during the operation of a service. Creates neither a file nor tables. Tables of an
    /// older version are migrated.
    ///
    /// # Errors
    /// [`Error::NoStore`] where there is none; otherwise as [`Self::open`].
    pub async fn open_existing(options: Options) -> Result<Self, Error> {
        sqlx::any::install_default_drivers();
        if !is_store(&options.url).await? {
            return Err(Error::NoStore);
        }
        Self::open(options).await
    }
}

/// Whether the database exists and has the tables of a store.
async fn is_store(url: &str) -> Result<bool, Error> {
    let (url, tables) = match url.split_once(':') {
        Some(("sqlite", path)) => {
            let path = file_path(path)?;
            if !path.is_file() {
                return Ok(false);
            }
            let path = path.canonicalize().map_err(|source| Error::File { path: path.to_owned(), source })?;
            let tables =
                "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = '_sqlx_migrations'";
            (format!("{}?mode=rw", file_url(&path)?), tables)
        }
        Some(("postgres" | "postgresql", _)) => (
            url.to_owned(),
            "SELECT count(*) FROM information_schema.tables \
             WHERE table_name = '_sqlx_migrations' AND table_schema = ANY (current_schemas(false))",
        ),
        _ => return Err(Error::Address("its scheme is neither `sqlite` nor `postgres`")),
    };
    let mut connection = connect_options(&url)?.connect().await?;
    let found: i64 = connection.fetch_one(tables).await?.try_get(0)?;
    connection.close().await?;
    Ok(found > 0)
}

fn connect_options(url: &str) -> Result<AnyConnectOptions, Error> {
    // sqlx would log whole statements, which are long here, and failures are logged where they are handled.
    Ok(AnyConnectOptions::from_str(url)?.disable_statement_logging())
}

async fn open_file(path: &str, pool_options: AnyPoolOptions) -> Result<AnyPool, Error> {
    let path = make_file(path)?;
    let options = connect_options(&file_url(&path)?)?;

    let mut connection = options.connect().await?;
    connection.execute(EACH_SQLITE_CONNECTION).await?;
    let version: String = connection.fetch_one("SELECT sqlite_version()").await?.try_get(0)?;
    if !is_new_enough(&version) {
        return Err(Error::OldSqlite { found: version });
    }
    set_write_ahead_log(&mut connection).await?;
    connection.close().await?;

    // Connections to a file do not break by themselves: none is tested before use or closed for its age.
    let pool_options = pool_options.test_before_acquire(false).idle_timeout(None).max_lifetime(None);
    Ok(execute_on_each_connection(pool_options, EACH_SQLITE_CONNECTION).connect_with(options).await?)
}

fn execute_on_each_connection(pool_options: AnyPoolOptions, statements: &'static str) -> AnyPoolOptions {
    pool_options.after_connect(move |connection, _| {
        Box::pin(async move {
            connection.execute(statements).await?;
            Ok(())
        })
    })
}

/// Write-ahead logging is a property of the file, so it is set once and not by every connection.
///
/// Processes that open a new file at once conflict: each has begun to read and wants to write, and SQLite rejects all but one of
/// them immediately, regardless of the timeout. That one continues, so the others only need to retry.
async fn set_write_ahead_log(connection: &mut AnyConnection) -> Result<(), Error> {
    // Five seconds in all; a single one is enough nearly always.
    let mut tries = 500;
    let row = loop {
        match connection.fetch_one("PRAGMA journal_mode = WAL").await {
            Err(sqlx::Error::Database(error))
                if error.code().as_deref() == Some(SQLITE_BUSY) && tries > 0 =>
            {
                tries -= 1;
                sleep(Duration::from_millis(10)).await;
            }
            result => break result?,
        }
    };
    let mode: String = row.try_get(0)?;
    if mode != "wal" {
        tracing::warn!(
            journal.mode = mode,
            "SQLite has no write-ahead log here: readers and writers will wait"
        );
    }
    Ok(())
}

/// Creates the file if it is missing, and returns its full path. SQLite's additional files get the same mode.
fn make_file(path: &str) -> Result<PathBuf, Error> {
    let path = file_path(path)?;
    let failed = |path: &Path| {
        let path = path.to_owned();
        |source| Error::File { path, source }
    };
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed(directory))?;
    }
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(failed(path)(error)),
    }
    path.canonicalize().map_err(failed(path))
}

/// The file that an address names, which is what follows its scheme.
fn file_path(path: &str) -> Result<&Path, Error> {
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() || path.ends_with('/') || path.starts_with(':') {
        return Err(Error::Address("a file must be named"));
    }
    if path.contains('?') {
        return Err(Error::Address("parameters after `?` are not supported for SQLite"));
    }
    Ok(Path::new(path))
}

/// The URL for sqlx, which decodes `%xx`, and whose URL parser interprets `#` and other characters.
fn file_url(path: &Path) -> Result<String, Error> {
    let path = path.to_str().ok_or(Error::Address("the path is not UTF-8"))?;
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    Ok(format!("sqlite://{}", path.bytes().map(encode).collect::<String>()))
}

fn is_new_enough(version: &str) -> bool {
    let numbers: Option<Vec<u32>> = version.split('.').map(|number| number.parse().ok()).collect();
    numbers.is_some_and(|numbers| numbers.as_slice() >= OLDEST_SQLITE.as_slice())
}

async fn migrate(pool: &AnyPool, backend: Backend) -> Result<(), Error> {
    let migration = |&(version, description, sql): &(i64, &'static str, &'static str)| {
        Migration::new(version, description.into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    let migrator = Migrator::with_migrations(MIGRATIONS.iter().map(migration).collect());
    // On PostgreSQL a lock lets one process migrate at a time. On SQLite sqlx has none: a process that is slightly late
    // fails because the tables exist, and finds the migration done when it retries. Each such failure means that another process
    // succeeded, so there can't be more failures than migrations.
    let mut tries = match backend {
        Backend::Sqlite => MIGRATIONS.len(),
        Backend::Postgres => 0,
    };
    loop {
        match migrator.run(pool).await {
            Err(MigrateError::ExecuteMigration(..)) if tries > 0 => tries -= 1,
            result => return Ok(result?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_with_the_corruption_are_refused() {
        for (version, is_fine) in [
            ("3.51.3", true),
            ("3.52.0", true),
            ("3.51.10", true),
            ("4.0.0", true),
            ("3.51.2", false),
            ("3.9.9", false),
            ("3.51", false),
            ("", false),
            ("3.x.1", false),
        ] {
            assert_eq!(is_new_enough(version), is_fine, "{version}");
        }
    }

    #[test]
    fn a_path_is_taken_as_it_stands() {
        assert_eq!(file_url(Path::new("/a/b-c_1.db")).expect("fine"), "sqlite:///a/b-c_1.db");
        assert_eq!(file_url(Path::new("/a b/%41#é")).expect("fine"), "sqlite:///a%20b/%2541%23%C3%A9");
    }
}
