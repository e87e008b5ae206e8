//! A PostgreSQL database of a test's own.

use std::process::Command;

use crate::app::generated_secret;

/// Dropped when the test is over.
pub(crate) struct Database {
    server: String,
    name: String,
}

impl Database {
    /// On the server for tests; `None` when there is none.
    pub(crate) fn new() -> Option<Self> {
        let Ok(server) = std::env::var("RANGEHAND_TEST_POSTGRES_URL") else {
            println!("skipped: RANGEHAND_TEST_POSTGRES_URL is not set");
            return None;
        };
        Some(Self::on(server))
    }

    /// On this server.
    pub(crate) fn on(server: String) -> Self {
        let database = Self { server, name: format!("rangehand_{}", generated_secret()) };
        database.execute("CREATE DATABASE");
        database
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        let (server, _) = self.server.rsplit_once('/').expect("the URL names a database");
        format!("{server}/{}", self.name)
    }

    fn execute(&self, what: &str) {
        let mut psql = Command::new("psql");
        // A server of the caller's own environment or a start file of its own must not count.
        psql.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        psql.args(["--no-psqlrc", "--quiet", "--dbname", &self.server, "--command"]);
        let output = psql.arg(format!("{what} {}", self.name)).output().expect("there is a psql");
        assert!(output.status.success(), "{what}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.execute("DROP DATABASE");
        }
    }
}
