//! `rangehand worker`: a node that does not listen.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Child,
};

use rustix::process::{Signal, kill_process};

use crate::{
    processes::{pid_of, processes_with, spawn_until_ready},
    runs::{end_runs_in, runs_in},
    setup::Setup,
};

/// A worker for one test. When it is dropped it is stopped, and the test fails if anything of a run is left in its directories.
pub struct Worker {
    setup: Setup,
    process: Option<Child>,
    name: String,
}

impl Worker {
    /// Starts it and waits until it is ready.
    #[must_use]
    pub fn start(setup: Setup) -> Self {
        let mut worker = Self { setup, process: None, name: String::new() };
        worker.start_again();
        worker
    }

    /// Starts it over the same directories.
    ///
    /// # Panics
    ///
    /// If it still runs, does not start, or changes its name.
    pub fn start_again(&mut self) {
        assert!(self.process.is_none(), "kill it first");
        let log = fs::File::options().create(true).append(true).open(self.home().join("worker.log"));
        let mut command = self.setup.command();
        let (process, line) = spawn_until_ready(command.arg("worker").stderr(log.expect("a log")));
        self.process = Some(process);
        let Some(name) = line.strip_prefix("working as node ") else {
            panic!("the worker did not start:\n{}", self.log());
        };
        assert!(self.name.is_empty() || self.name == name, "its name stays the same");
        self.name = name.to_owned();
    }

    /// Its home directory.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.setup.home()
    }

    /// Its name among the nodes.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Ends it with SIGKILL, as a crash would; its runs continue.
    ///
    /// # Panics
    ///
    /// If it was ended.
    pub fn kill(&mut self) {
        let mut process = self.process.take().expect("it runs");
        process.kill().expect("the test owns it");
        process.wait().expect("the test owns it");
    }

    /// Sends it a signal.
    ///
    /// # Panics
    ///
    /// If it was ended.
    pub fn signal(&self, signal: Signal) {
        kill_process(pid_of(self.process.as_ref().expect("it runs")), signal).expect("the test owns it");
    }

    fn log(&self) -> String {
        fs::read_to_string(self.home().join("worker.log")).unwrap_or_default()
    }
}

impl Drop for Worker {
    #[expect(clippy::print_stderr, reason = "a failed test shows the log of its worker")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("---- the worker's log\n{}", self.log());
            if self.process.is_some() {
                self.kill();
            }
            end_runs_in(self.home());
            return;
        }
        self.signal(Signal::TERM);
        let status = self.process.take().expect("it runs").wait().expect("the test owns it");
        assert!(status.success(), "the worker ended with {status}:\n{}", self.log());
        assert_eq!(runs_in(self.home()), Vec::<PathBuf>::new(), "directories of runs are left");
        let home = self.home().to_string_lossy().into_owned();
        assert_eq!(processes_with(&home), Vec::<String>::new(), "processes of runs are left");
        fs::remove_dir(self.setup.setting("RANGEHAND__PATHS__RUNTIME")).expect("no secrets are left");
    }
}
