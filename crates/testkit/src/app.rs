//! A running service of one test.

use std::{
    fs,
    ops::Deref,
    path::{Path, PathBuf},
    process::{Child, Command},
    time::{Duration, Instant},
};

use rustix::process::{Signal, kill_process};

use crate::{
    client::Client,
    files::entries,
    processes::{pid_of, processes_with, spawn_until_ready},
    runs::{end_runs_in, runs_in},
    setup::Setup,
    wait::POLL,
};

/// How long a process may take to end after it has nothing left to do.
const ENDING: Duration = Duration::from_secs(5);

/// The built program on a free port of the loopback address, with its own state directory, runtime directory, and copies of the
/// fixtures. Requests are methods of [`Client`].
///
/// When it is dropped it is stopped, and the test fails if a run's directory, a secret, or a process of a run remains.
pub struct TestApp {
    setup: Setup,
    service: Option<Child>,
    address: String,
    client: Client,
}

impl Setup {
    /// Starts the service and waits until it listens.
    #[must_use]
    pub fn start(self) -> TestApp {
        TestApp::start(self)
    }
}

impl TestApp {
    /// A service with Ansible and the fixtures.
    #[must_use]
    pub fn new() -> Self {
        Setup::new().start()
    }

    /// A service that runs no Ansible; see [`Setup::without_ansible`].
    #[must_use]
    pub fn without_ansible() -> Self {
        Setup::without_ansible().start()
    }

    fn start(setup: Setup) -> Self {
        let mut app = Self { setup, service: None, address: String::new(), client: Client::default() };
        app.start_again();
        app
    }

    /// The directory that holds `playbooks/`, `inventory/` and `var/`.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.setup.home()
    }

    /// The program with the settings of the service, for its other commands.
    #[must_use]
    pub fn command(&self) -> Command {
        self.setup.command()
    }

    /// How it was started.
    #[must_use]
    pub const fn setup(&self) -> &Setup {
        &self.setup
    }

    /// `http://127.0.0.1:port`
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The process id of the service.
    ///
    /// # Panics
    ///
    /// If it was ended.
    #[must_use]
    pub fn pid(&self) -> i32 {
        pid_of(self.service.as_ref().expect("it runs")).as_raw_nonzero().get()
    }

    /// Starts the service again over the same directories.
    ///
    /// # Panics
    ///
    /// If it still runs, or does not start.
    pub fn start_again(&mut self) {
        assert!(self.service.is_none(), "stop or kill it first");
        let log = fs::File::options().create(true).append(true).open(self.home().join("service.log"));
        let (service, line) = spawn_until_ready(self.command().stderr(log.expect("a log")));
        let Some(address) = line.strip_prefix("listening on ") else {
            panic!("the service did not start:\n{}", self.log());
        };
        // If it listens on all addresses, it listens on this one, too.
        self.address = address.replace("//0.0.0.0:", "//127.0.0.1:");
        self.service = Some(service);
        self.hang_up();
    }

    /// Ends the service with SIGKILL, as a crash would.
    ///
    /// # Panics
    ///
    /// If it was ended.
    pub fn kill(&mut self) {
        let mut service = self.service.take().expect("it runs");
        service.kill().expect("the test owns it");
        service.wait().expect("the test owns it");
    }

    /// Ends the service with SIGTERM and waits for it.
    ///
    /// # Panics
    ///
    /// If it does not end well.
    pub fn stop(&mut self) {
        let Some(mut service) = self.service.take() else { return };
        kill_process(pid_of(&service), Signal::TERM).expect("the test owns it");
        let status = service.wait().expect("the test owns it");
        assert!(status.success(), "the service ended with {status}:\n{}", self.log());
    }

    /// Closes the connections that are kept for the next request.
    pub fn hang_up(&self) {
        self.client.connect(&self.address);
    }

    /// What the service logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.home().join("service.log")).unwrap_or_default()
    }

    /// The directory that has the secrets of all runs.
    #[must_use]
    pub fn runtime(&self) -> &Path {
        Path::new(self.setup.setting("RANGEHAND__PATHS__RUNTIME"))
    }

    /// Writes a file below the home directory.
    pub fn write(&self, path: &str, content: &str) {
        self.setup.write(path, content);
    }

    /// The existing directories of runs.
    #[must_use]
    pub fn run_directories(&self) -> Vec<PathBuf> {
        runs_in(self.home())
    }

    /// The directories of secrets of runs that are there. Those of inspections are omitted, because the tasks of a job that is read
    /// while it runs are listed in the background, and that of platforms, which are not runs.
    #[must_use]
    pub fn secret_directories(&self) -> Vec<PathBuf> {
        let is_inspection = |path: &PathBuf| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("inspection-"))
        };
        let mut directories = entries(self.runtime());
        directories.retain(|path| !is_inspection(path) && !is_platform(path));
        directories
    }

    /// Directories of machines of the local platforms.
    fn machines(&self) -> Vec<PathBuf> {
        let below = |paths: Vec<PathBuf>| paths.iter().flat_map(|path| entries(path)).collect::<Vec<_>>();
        let ranges = below(below(self.platforms()));
        ranges.iter().flat_map(|range| entries(&range.join("machines"))).collect()
    }

    /// The directories that have the machines of the local platforms.
    #[must_use]
    pub fn platforms(&self) -> Vec<PathBuf> {
        entries(self.runtime()).into_iter().filter(|path| is_platform(path)).collect()
    }
}

fn is_platform(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("platform-"))
}

impl Default for TestApp {
    fn default() -> Self {
        Self::new()
    }
}

impl Deref for TestApp {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Drop for TestApp {
    #[expect(clippy::print_stderr, reason = "a failed test shows the log of its service")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("---- the service's log\n{}", self.log());
            if self.service.is_some() {
                self.kill();
            }
            end_runs_in(self.home());
            return;
        }
        self.stop();
        assert_eq!(self.run_directories(), Vec::<PathBuf>::new(), "directories of runs are left");
        assert_eq!(self.secret_directories(), Vec::<PathBuf>::new(), "directories of secrets are left");
        assert_eq!(self.machines(), Vec::<PathBuf>::new(), "machines are left");
        let home = self.home().to_string_lossy().into_owned();
        // A supervisor releases its run a moment before it ends.
        let begun = Instant::now();
        while begun.elapsed() < ENDING && !processes_with(&home).is_empty() {
            std::thread::sleep(POLL);
        }
        assert_eq!(processes_with(&home), Vec::<String>::new(), "processes of runs are left");
        self.platforms().iter().for_each(|platform| drop(fs::remove_dir_all(platform)));
        let _ = fs::remove_dir(self.runtime());
    }
}
