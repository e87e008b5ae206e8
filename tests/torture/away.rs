//! The database is locked or unavailable for seconds during a run.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal};
use testkit::{Postgres, repository, until};

use crate::{
    by_form, fake, is_long,
    truth::{self, Hit, SubmittedJob},
};

/// Locks the database exclusively for this number of seconds, and prints a line when it has the lock.
const LOCK: &str = "
import sqlite3, sys, time
database = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=60)
database.execute('BEGIN EXCLUSIVE')
print('locked', flush=True)
time.sleep(float(sys.argv[2]))
database.execute('ROLLBACK')
";

#[tokio::test]
async fn nothing_is_lost_while_the_database_is_locked() {
    let app = fake::setup().set("RANGEHAND__RUNS__MAX_CONCURRENT", "4").start();
    let seconds = by_form(2_u32, 10);
    let jobs = [
        SubmittedJob::fake(&app, 0, 1.0, false).await,
        SubmittedJob::fake(&app, 1, 1.0, true).await,
        SubmittedJob::fake(&app, 2, f64::from(seconds) + 1.0, false).await,
    ];
    jobs[2].job.until_state("running").await;
    let mut python = Command::new("python3");
    python.args(["-c", LOCK]).arg(app.home().join("var/rangehand.db")).arg(seconds.to_string());
    let mut lock = python.stdout(Stdio::piped()).spawn().expect("there is a python3");
    let mut line = String::new();
    BufReader::new(lock.stdout.take().expect("a pipe")).read_line(&mut line).expect("readable");
    assert_eq!(line, "locked\n");
    // On a separate thread: meanwhile the client must notice that the service closes idle connections.
    let ended = tokio::task::spawn_blocking(move || lock.wait()).await.expect("it does not panic");
    assert!(ended.expect("the test owns it").success());
    let counts = truth::assert_all(&app, &jobs, &Hit::default()).await.states;
    println!(
        "figure: SQLite locked for {seconds} s during 3 runs | {counts:?} | 0 false ends, 0 events missing"
    );
}

/// A PostgreSQL server that can be taken away and brought back.
struct Server {
    directory: tempfile::TempDir,
    at: PathBuf,
    again: Option<Child>,
}

impl Server {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        // PostgreSQL's user must be able to pass through.
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o711);
        fs::set_permissions(directory.path(), open).expect("the test owns it");
        let at = directory.path().join("postgres");
        let server = Self { directory, at, again: None };
        server.lab("up");
        server
    }

    fn lab(&self, what: &str) {
        let script = repository("tests/lab/postgres.sh");
        let mut command = Command::new(script);
        // The server keeps the streams that it gets, so the test must not wait for their end.
        command.arg(what).arg(&self.at).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        assert!(command.status().expect("there is a bash").success(), "postgres.sh {what}");
    }

    fn url(&self) -> String {
        fs::read_to_string(self.at.join("url")).expect("it runs").trim().to_owned()
    }

    /// The command line of the server that runs, and the user it runs as.
    fn command(&self) -> (Vec<String>, u32) {
        let pid = fs::read_to_string(self.at.join("pid")).expect("it runs");
        let process = PathBuf::from(format!("/proc/{}", pid.trim()));
        let line = fs::read_to_string(process.join("cmdline")).expect("it runs");
        let owner = std::os::unix::fs::MetadataExt::uid(&fs::metadata(&process).expect("it runs"));
        (line.split_terminator('\0').map(str::to_owned).collect(), owner)
    }

    /// Stops the server as `pg_ctl stop` does: connections are closed. Not with SIGQUIT: this server commits without
    /// waiting for the disk, so that would lose data that it reported as stored.
    async fn stop(&self) {
        let pid = fs::read_to_string(self.at.join("pid")).expect("it runs");
        let pid = Pid::from_raw(pid.trim().parse().expect("a number")).expect("a pid");
        rustix::process::kill_process(pid, Signal::INT).expect("the test owns it");
        until("the server has ended", || !self.at.join("data/postmaster.pid").exists()).await;
    }

    fn start_again(&mut self, (words, owner): (Vec<String>, u32)) {
        let owner = owner.to_string();
        let mut command = Command::new("setpriv");
        command.args(["--reuid", &owner, "--regid", &owner, "--clear-groups"]).args(words);
        command.current_dir(&self.at).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("there is a setpriv");
        fs::write(self.at.join("pid"), child.id().to_string()).expect("writable");
        self.again = Some(child);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.lab("down");
        if let Some(mut child) = self.again.take() {
            let _ = child.wait();
        }
        let _ = fs::remove_dir_all(self.directory.path());
    }
}

#[tokio::test]
async fn nothing_is_lost_while_the_database_server_is_down() {
    if !is_long() || !rustix::process::geteuid().is_root() {
        println!("skipped: only in the long form, as root");
        return;
    }
    let mut server = Server::new();
    let database = Postgres::on(server.url());
    let app = fake::setup().set("RANGEHAND__STORE__URL", database.url()).start();
    let jobs = [SubmittedJob::fake(&app, 0, 2.0, false).await, SubmittedJob::fake(&app, 1, 12.0, true).await];
    jobs[1].job.until_state("running").await;
    let command = server.command();
    server.stop().await;
    // The duration of the requirement. Nothing is asserted about time.
    tokio::time::sleep(std::time::Duration::from_secs(10)).await;
    server.start_again(command);
    let address = address(&server.url());
    until("the server answers", || std::net::TcpStream::connect(&address).is_ok()).await;
    let counts = truth::assert_all(&app, &jobs, &Hit::default()).await.states;
    println!(
        "figure: PostgreSQL stopped and away for 10 s during 2 runs | {counts:?} | 0 false ends, 0 events missing"
    );
    drop(app);
    drop(database);
}

/// `host:port` of an address of a database.
fn address(url: &str) -> String {
    let (_, place) = url.rsplit_once('@').expect("it names a user");
    place.split('/').next().expect("there is one").to_owned()
}
