//! `rangehand worker`: a node that does not listen.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::app::{Setup, processes_with};

/// A worker for one test. When it is dropped it is stopped, and the test fails if anything of a run is left in its
/// directories.
pub(crate) struct Worker {
    setup: Setup,
    process: Option<Child>,
    name: String,
}

impl Worker {
    /// Starts it and waits until it is at work.
    pub(crate) fn start(setup: Setup) -> Self {
        let mut worker = Self { setup, process: None, name: String::new() };
        worker.start_again();
        worker
    }

    /// Starts it over the same directories.
    pub(crate) fn start_again(&mut self) {
        assert!(self.process.is_none(), "kill it first");
        let log = fs::OpenOptions::new().create(true).append(true).open(self.home().join("worker.log"));
        let mut command = self.setup.command();
        command.arg("worker").stdout(Stdio::piped()).stderr(log.expect("a log"));
        let mut process = command.spawn().expect("the program starts");
        let mut line = String::new();
        let output = process.stdout.take().expect("a pipe");
        BufReader::new(output).read_line(&mut line).expect("the worker says that it is ready");
        self.process = Some(process);
        let Some(name) = line.trim().strip_prefix("working as node ") else {
            panic!("the worker did not start:\n{}", self.log());
        };
        assert!(self.name.is_empty() || self.name == name, "its name stays the same");
        self.name = name.to_owned();
    }

    pub(crate) fn home(&self) -> &Path {
        self.setup.home()
    }

    /// Its name among the nodes.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Ends it with SIGKILL, as a crash would; its runs go on.
    pub(crate) fn kill(&mut self) {
        let mut process = self.process.take().expect("it runs");
        process.kill().expect("it is ours");
        process.wait().expect("it is ours");
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let id = self.process.as_ref().expect("it runs").id();
        let pid = Pid::from_raw(i32::try_from(id).expect("a small number")).expect("a pid");
        kill_process(pid, signal).expect("it is ours");
    }

    fn log(&self) -> String {
        fs::read_to_string(self.home().join("worker.log")).unwrap_or_default()
    }

    /// After a failed test: runs would go on without the worker.
    fn end_runs(&self) {
        for run in runs_in(self.home()) {
            let identity = fs::read(run.join("supervisor.json")).unwrap_or_default();
            let identity: serde_json::Value = serde_json::from_slice(&identity).unwrap_or_default();
            let pid = identity["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok());
            if let Some(pid) = pid.and_then(Pid::from_raw) {
                let _ = kill_process(pid, Signal::TERM);
            }
        }
    }
}

/// The directories of runs below the home of a service or worker.
pub(crate) fn runs_in(home: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(home.join("var/runs")).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

impl Drop for Worker {
    #[expect(
        clippy::print_stderr,
        reason = "whoever reads of a failed test wants to know what the worker said"
    )]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("---- the worker's log\n{}", self.log());
            if self.process.is_some() {
                self.kill();
            }
            self.end_runs();
            return;
        }
        self.signal(Signal::TERM);
        let status = self.process.take().expect("it runs").wait().expect("it is ours");
        assert!(status.success(), "the worker ended with {status}:\n{}", self.log());
        assert_eq!(runs_in(self.home()), Vec::<PathBuf>::new(), "directories of runs are left");
        let home = self.home().to_string_lossy().into_owned();
        assert_eq!(processes_with(&home), Vec::<String>::new(), "processes of runs are left");
        let runtime = Path::new("/dev/shm").join(self.home().file_name().expect("a name"));
        fs::remove_dir(runtime).expect("no secrets are left");
    }
}
