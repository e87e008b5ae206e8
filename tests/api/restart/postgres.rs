//! The same with PostgreSQL.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};

use testkit::{Postgres, Setup};

use super::MarkedRun;

#[tokio::test]
async fn a_run_is_recovered_with_a_postgres_store() {
    let Some(database) = Postgres::create() else { return };
    let mut app = Setup::new().set("RANGEHAND__STORE__URL", database.url()).start();
    let run = MarkedRun::begin(&app).await;
    run.until_marks(2).await;
    app.kill();
    run.until_marks(5).await;
    app.start_again();
    run.job.until_task("Wait for the gate").await;
    app.kill();
    run.gate.open();
    run.until_marks(7).await;
    app.start_again();
    run.assert_done_and_recorded_once(&app).await;
    // The database goes last: the service is connected to it.
    drop(app);
}

#[tokio::test]
async fn a_service_that_cannot_begin_any_job_is_not_ready() {
    let Some(database) = Postgres::create() else { return };
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
    run.assert_done_and_recorded_once(&app).await;
    assert_eq!(app.get("/readyz", 200).await["status"], "ready");
}

/// A session that keeps others from changing any job.
struct RowLock {
    session: Child,
}

impl RowLock {
    fn take(database: &Postgres) -> Self {
        let mut psql = database.session();
        let mut session = psql.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("there is a psql");
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
