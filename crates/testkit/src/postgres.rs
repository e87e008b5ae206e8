//! A PostgreSQL database of one test.

use std::{
    env,
    process::{Command, Output},
};

use crate::{files::generated_secret, surroundings::POSTGRES};

/// A new database on the server for tests. It is deleted when it is dropped, even if it is still in use.
pub struct Postgres {
    server: String,
    name: String,
}

impl Postgres {
    /// `None` where there is no server, which is printed.
    #[expect(clippy::print_stdout, reason = "a test that shows nothing says so")]
    #[must_use]
    pub fn create() -> Option<Self> {
        let Ok(server) = env::var(POSTGRES) else {
            println!("skipped: {POSTGRES} is not set (./test.sh sets it)");
            return None;
        };
        Some(Self::on(server))
    }

    /// On this server, by the URL of one of its databases.
    ///
    /// # Panics
    ///
    /// If the server refuses.
    #[must_use]
    pub fn on(server: String) -> Self {
        let database = Self { server, name: format!("rangehand_{}", generated_secret()) };
        assert_succeeded(&query(&database.server, &format!("CREATE DATABASE {}", database.name)));
        database
    }

    /// Its URL.
    ///
    /// # Panics
    ///
    /// If the URL of the server names no database.
    #[must_use]
    pub fn url(&self) -> String {
        let (address, parameters) =
            self.server.split_once('?').map_or((self.server.as_str(), None), |(a, p)| (a, Some(p)));
        let (address, _) = address.rsplit_once('/').expect("the URL names a database");
        let parameters = parameters.map(|parameters| format!("?{parameters}")).unwrap_or_default();
        format!("{address}/{}{parameters}", self.name)
    }

    /// The password in its URL.
    ///
    /// # Panics
    ///
    /// If the URL of the server has none.
    #[must_use]
    pub fn password(&self) -> String {
        let login = self.server.split_once("://").and_then(|(_, rest)| rest.rsplit_once('@'));
        let password = login.and_then(|(login, _)| login.split_once(':')).map(|(_, password)| password);
        password.expect("the server wants a password").to_owned()
    }

    /// The rows that a statement returns, one per line.
    ///
    /// # Panics
    ///
    /// If the statement fails.
    #[must_use]
    pub fn query(&self, statement: &str) -> String {
        let output = query(&self.url(), statement);
        assert_succeeded(&output);
        String::from_utf8(output.stdout).expect("text")
    }

    /// `psql` of this database, which reads statements from its standard input.
    #[must_use]
    pub fn session(&self) -> Command {
        psql(&self.url())
    }
}

/// `psql` without what the environment and the start file of the caller would change.
fn psql(url: &str) -> Command {
    let mut psql = Command::new("psql");
    psql.env_clear().env("PATH", env::var_os("PATH").unwrap_or_default());
    psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--dbname", url]);
    psql
}

fn query(url: &str, statement: &str) -> Output {
    psql(url).args(["--command", statement]).output().expect("there is a psql")
}

fn assert_succeeded(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let output = query(&self.server, &format!("DROP DATABASE {} WITH (FORCE)", self.name));
        if !std::thread::panicking() {
            assert_succeeded(&output);
        }
    }
}
