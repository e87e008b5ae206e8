//! The same on PostgreSQL.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
};

use super::MarkedRun;
use crate::app::{Setup, generated_secret};

/// A database of a test's own, dropped when the test is over.
pub(crate) struct Database {
    server: String,
    name: String,
}

impl Database {
    pub(crate) fn new(server: String) -> Self {
        let database = Self { server, name: format!("rangehand_{}", generated_secret()) };
        database.execute("CREATE DATABASE");
        database
    }

    pub(crate) fn url(&self) -> String {
        let (server, _) = self.server.rsplit_once('/').expect("the URL names a database");
        format!("{server}/{}", self.name)
    }

    /// The password in its address.
    pub(crate) fn password(&self) -> String {
        let login = self.server.split_once("://").and_then(|(_, rest)| rest.rsplit_once('@'));
        let password = login.and_then(|(login, _)| login.split_once(':')).map(|(_, password)| password);
        password.expect("the server wants a password").to_owned()
    }

    /// Every row of every table as text.
    pub(crate) fn all_text(&self) -> String {
        let tables = [
            "jobs",
            "job_labels",
            "waits",
            "resource_locks",
            "resource_holders",
            "resource_owners",
            "idempotency",
            "runs",
            "events",
            "deletions",
        ];
        let select = tables.map(|table| format!("SELECT t::text FROM {table} AS t")).join(" UNION ALL ");
        let mut psql = Command::new("psql");
        psql.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--dbname", &self.url(), "--command", &select]);
        let output = psql.output().expect("there is a psql");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
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

#[expect(clippy::print_stdout, reason = "a run that shows nothing should say so")]
pub(crate) fn skip() {
    println!("skipped: RANGEHAND_TEST_POSTGRES_URL is not set (./test.sh sets it)");
}

#[tokio::test]
async fn a_run_is_taken_up_again_with_a_postgres_store() {
    let Ok(server) = std::env::var("RANGEHAND_TEST_POSTGRES_URL") else {
        return skip();
    };
    let database = Database::new(server);
    let mut app = Setup::new().set("RANGEHAND__STORE__URL", database.url()).start();
    let run = MarkedRun::begin(&app).await;
    run.until_marks(2).await;
    app.kill();
    run.until_marks(5).await;
    app.start_again();
    app.until_task(&run.job, "Wait for the gate").await;
    app.kill();
    run.gate.open();
    run.until_marks(7).await;
    app.start_again();
    run.assert_done_and_told_once(&app).await;
    // The database goes last: the service is connected to it.
    drop(app);
}

#[tokio::test]
async fn a_service_that_cannot_begin_any_job_is_not_ready() {
    let Ok(server) = std::env::var("RANGEHAND_TEST_POSTGRES_URL") else {
        return skip();
    };
    let database = Database::new(server);
    let mut app = Setup::new().set("RANGEHAND__STORE__URL", database.url()).start();
    let run = MarkedRun::begin(&app).await;
    run.until_marks(1).await;
    app.kill();
    // The recovery waits for the row of the job that was running.
    let lock = RowLock::take(&database);
    app.start_again();
    app.hang_up();
    let ready = app.get("/readyz", 503).await;
    let checks = ready["checks"].as_array().expect("checks");
    let failed: Vec<_> = checks.iter().filter(|check| check["status"] == "fail").collect();
    assert!(failed.len() == 1 && failed[0]["name"] == "recovery", "{ready:#}");
    assert!(failed[0]["hint"].is_string(), "{ready:#}");
    lock.release();
    run.gate.open();
    run.assert_done_and_told_once(&app).await;
    assert_eq!(app.get("/readyz", 200).await["status"], "ready");
}

/// A session that keeps others from changing any job.
struct RowLock {
    session: std::process::Child,
}

impl RowLock {
    fn take(database: &Database) -> Self {
        let mut psql = Command::new("psql");
        psql.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        psql.args(["--no-psqlrc", "--dbname", &database.url()]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut session = psql.spawn().expect("there is a psql");
        let input = session.stdin.as_mut().expect("a pipe");
        writeln!(input, "BEGIN; SELECT FROM jobs FOR UPDATE; SELECT 'locked';").expect("it reads");
        let output = BufReader::new(session.stdout.take().expect("a pipe"));
        assert!(output.lines().map_while(Result::ok).any(|line| line.trim() == "locked"), "no lock");
        Self { session }
    }

    fn release(mut self) {
        drop(self.session.stdin.take());
        self.session.wait().expect("it ends with its input");
    }
}
