//! A service for one test.
//!
//! It is the built program on a free port of the loopback address, with a state directory, a runtime directory
//! and copies of the fixtures of its own. When it is dropped it is stopped, and the test fails if a job, a run's
//! directory, a secret or a process of a run is left behind.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use reqwest::{Client, Method, Response};
use serde_json::Value;

/// How long anything may take before a test gives up on it: Ansible on a busy machine is slow.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
/// How long a process may take to end after all that it had to do.
const ENDING: Duration = Duration::from_secs(5);
/// How long to wait between looks at a condition.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// The directory with Ansible's programs.
pub(crate) fn bin_dir() -> PathBuf {
    let directory = std::env::var_os("RANGEHAND_TEST_BIN_DIR");
    PathBuf::from(directory.expect("RANGEHAND_TEST_BIN_DIR is not set: run ./test.sh"))
}

/// The fixtures of the repository.
pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// Says how a service is to be started.
pub(crate) struct Setup {
    home: tempfile::TempDir,
    settings: BTreeMap<String, String>,
    /// What the program is started through.
    through: Vec<String>,
}

impl Setup {
    /// With copies of the fixtures, SQLite and Ansible.
    pub(crate) fn new() -> Self {
        // The client of the tests panics without.
        platform::install_provider();
        let home =
            tempfile::Builder::new().prefix("rangehand-test-").tempdir().expect("a temporary directory");
        copy(&fixtures().join("playbooks"), &home.path().join("playbooks"));
        copy(&fixtures().join("inventory"), &home.path().join("inventory"));
        let mut setup = Self { settings: BTreeMap::new(), home, through: Vec::new() };
        let runtime = Path::new("/dev/shm").join(setup.home.path().file_name().expect("a name"));
        let settings = [
            ("PROJECT_ROOT_DIR", setup.home.path().to_string_lossy().into_owned()),
            ("RANGEHAND__ANSIBLE__BIN_DIR", bin_dir().to_string_lossy().into_owned()),
            ("RANGEHAND__PATHS__RUNTIME", runtime.to_string_lossy().into_owned()),
            ("RANGEHAND__RUNS__KILL_GRACE_S", "1".to_owned()),
            ("RANGEHAND__SERVER__PORT", "0".to_owned()),
        ];
        setup.settings.extend(settings.map(|(name, value)| (name.to_owned(), value)));
        setup.isolated().executed()
    }

    /// With RANGEHAND_TEST_EXECUTOR every test runs its jobs in that way, unless it is about that.
    fn executed(self) -> Self {
        match std::env::var("RANGEHAND_TEST_EXECUTOR") {
            Ok(executor) => self.set("RANGEHAND__ANSIBLE__EXECUTOR", executor),
            Err(_) => self,
        }
    }

    /// What tests put beside the playbooks for their playbooks to find is visible in a sandbox, too. Runs are isolated by default
    /// settings, or as RANGEHAND_TEST_ISOLATION says.
    fn isolated(self) -> Self {
        // Of other nodes of the same test, too.
        let homes = std::env::temp_dir().to_string_lossy().into_owned();
        let setup = self.set("RANGEHAND__RUNS__SANDBOX_WRITABLE", homes);
        let Ok(level) = std::env::var("RANGEHAND_TEST_ISOLATION") else { return setup };
        let lab = std::env::var("RANGEHAND_TEST_SSH_LAB").unwrap_or_default();
        setup.set("RANGEHAND__RUNS__ISOLATION", level).set("RANGEHAND__RUNS__SANDBOX_READABLE", lab)
    }

    /// Sets an environment variable of the service.
    pub(crate) fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self.settings.insert(name.to_owned(), value.into());
        self
    }

    /// Hides the control groups from the service, as in many a container. For root only.
    pub(crate) fn without_control_groups(mut self) -> Self {
        let script = "umount -R /sys/fs/cgroup && exec \"$0\" \"$@\"";
        self.through = ["unshare", "--mount", "sh", "-c", script].map(str::to_owned).into();
        self
    }

    /// Starts programs through these words.
    pub(crate) fn through(mut self, words: &[&str]) -> Self {
        self.through = words.iter().map(|word| (*word).to_owned()).collect();
        self
    }

    /// Gives the home to a user, as whom these words start programs. For root only.
    pub(crate) fn run_by(mut self, user: u32, through: Vec<String>) -> Self {
        std::os::unix::fs::chown(self.home(), Some(user), Some(user)).expect("root may");
        self.through = through;
        self
    }

    /// The directory that holds `playbooks/`, `inventory/` and, later, `var/`.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Writes a file below the home directory, with the directories it needs.
    pub(crate) fn write(&self, path: &str, content: &str) {
        let path = self.home().join(path);
        fs::create_dir_all(path.parent().expect("it is below the home directory")).expect("writable");
        fs::write(path, content).expect("writable");
    }

    /// The command that starts the service, for tests of services that do not start.
    pub(crate) fn command(&self) -> Command {
        let program = env!("CARGO_BIN_EXE_rangehand");
        let mut words = self.through.iter().map(String::as_str).chain([program]);
        let mut command = Command::new(words.next().expect("the program at least"));
        command.args(words);
        command
            .env_clear()
            .env("HOME", self.home())
            .env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin")
            .envs(&self.settings)
            .current_dir(self.home())
            .stdin(Stdio::null());
        command
    }

    /// Starts it and waits until it listens.
    pub(crate) fn start(self) -> TestApp {
        let mut app = TestApp { setup: self, service: None, address: String::new(), client: Client::new() };
        app.start();
        app
    }
}

/// A running service.
pub(crate) struct TestApp {
    setup: Setup,
    service: Option<Child>,
    address: String,
    client: Client,
}

impl TestApp {
    /// A service with the fixtures.
    pub(crate) fn new() -> Self {
        Setup::new().start()
    }

    /// The directory that holds `playbooks/`, `inventory/` and `var/`.
    pub(crate) fn home(&self) -> &Path {
        self.setup.home()
    }

    /// The program with the settings of the service, for its other commands.
    pub(crate) fn command(&self) -> Command {
        self.setup.command()
    }

    /// How it was started.
    pub(crate) const fn setup(&self) -> &Setup {
        &self.setup
    }

    /// `http://127.0.0.1:port`
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The process id of the service.
    pub(crate) fn pid(&self) -> i32 {
        i32::try_from(self.service.as_ref().expect("it runs").id()).expect("a small number")
    }

    fn start(&mut self) {
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.home().join("service.log"))
            .expect("a log");
        let mut service =
            self.setup.command().stdout(Stdio::piped()).stderr(log).spawn().expect("the program starts");
        let mut line = String::new();
        let output = service.stdout.take().expect("a pipe");
        BufReader::new(output).read_line(&mut line).expect("the service says where it listens");
        let Some(address) = line.trim().strip_prefix("listening on ") else {
            panic!("the service did not start:\n{}", self.log());
        };
        // On all addresses it listens on this one, too.
        self.address = address.replace("//0.0.0.0:", "//127.0.0.1:");
        self.service = Some(service);
    }

    /// Ends the service with SIGKILL, as a crash would.
    pub(crate) fn kill(&mut self) {
        let mut service = self.service.take().expect("it runs");
        service.kill().expect("it is ours");
        service.wait().expect("it is ours");
    }

    /// Ends the service with SIGTERM and waits for it; fails when it does not end well.
    pub(crate) fn stop(&mut self) {
        let Some(mut service) = self.service.take() else { return };
        let pid = rustix::process::Pid::from_raw(i32::try_from(service.id()).expect("a small number"))
            .expect("a pid");
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it is ours");
        let status = service.wait().expect("it is ours");
        assert!(status.success(), "the service ended with {status}:\n{}", self.log());
    }

    /// Starts the service again over the same directories.
    pub(crate) fn start_again(&mut self) {
        assert!(self.service.is_none(), "stop or kill it first");
        self.start();
    }

    /// Closes the connections that are kept for the next request.
    pub(crate) fn hang_up(&mut self) {
        self.client = Client::new();
    }

    /// What the service logged so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.home().join("service.log")).unwrap_or_default()
    }

    /// Sends a request; `path` begins with a slash and is sent as it is.
    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Response {
        let mut request = self.client.request(method, format!("{}{path}", self.address));
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        request.send().await.expect("the service answers")
    }

    /// GET, which must be answered with this status; gives the JSON.
    pub(crate) async fn get(&self, path: &str, status: u16) -> Value {
        json_of(self.send(Method::GET, path, None).await, status).await
    }

    /// POST, which must be answered with this status; gives the JSON.
    pub(crate) async fn post(&self, path: &str, body: &Value, status: u16) -> Value {
        json_of(self.send(Method::POST, path, Some(body)).await, status).await
    }

    /// Runs a job to its end; gives the job.
    pub(crate) async fn run(&self, request: &Value) -> Value {
        self.post(&format!("/v1/jobs?wait={}", PATIENCE.as_secs()), request, 200).await
    }

    /// The results that a job printed, by variable.
    pub(crate) async fn results(&self, job: &Value) -> Value {
        let id = job["id"].as_str().expect("a job has an id");
        self.get(&format!("/v1/jobs/{id}/result"), 200).await["results"].clone()
    }

    /// All events of a job.
    pub(crate) async fn events(&self, job: &Value) -> Vec<Value> {
        let id = job["id"].as_str().expect("a job has an id");
        let mut events = Vec::new();
        let mut after = Value::from(0);
        while !after.is_null() {
            let page = self.get(&format!("/v1/jobs/{id}/events?limit=1000&after={after}"), 200).await;
            events.extend(page["items"].as_array().expect("a page has items").iter().cloned());
            after = page["next"].clone();
        }
        events
    }

    /// The log of a job as text.
    pub(crate) async fn text_log(&self, job: &Value) -> String {
        let id = job["id"].as_str().expect("a job has an id");
        let response = self.send(Method::GET, &format!("/v1/jobs/{id}/log"), None).await;
        assert_eq!(response.status(), 200);
        response.text().await.expect("text")
    }

    /// Waits until the job is in a state; fails at once when it has ended in another one.
    pub(crate) async fn until_state(&self, job: &Value, state: &str) -> Value {
        let id = job["id"].as_str().expect("a job has an id");
        let begun = Instant::now();
        loop {
            let job = self.get(&format!("/v1/jobs/{id}"), 200).await;
            if job["state"] == state {
                return job;
            }
            // A job that is retried by itself ends for a moment.
            let may_change = job["finished_at"].is_null() || !job["request"]["retry"].is_null();
            assert!(may_change, "the job ended, and is not {state}: {job:#}");
            assert!(begun.elapsed() < PATIENCE, "the job is not {state} but {job:#}");
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Waits until the run has come to a task.
    pub(crate) async fn until_task(&self, job: &Value, task: &str) {
        let id = job["id"].as_str().expect("a job has an id");
        let begun = Instant::now();
        // The job is looked at first: of one that has ended all events are there.
        loop {
            let job = self.get(&format!("/v1/jobs/{id}"), 200).await;
            if self.events(&job).await.iter().any(|event| event["task"] == task) {
                return;
            }
            assert!(job["finished_at"].is_null(), "the job never came to `{task}`: {job:#}");
            assert!(begun.elapsed() < PATIENCE, "the job did not come to `{task}`: {job:#}");
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Cancels a job and waits for its end; gives the job.
    pub(crate) async fn cancel(&self, job: &Value) -> Value {
        let id = job["id"].as_str().expect("a job has an id");
        self.post(&format!("/v1/jobs/{id}/cancel?wait={}", PATIENCE.as_secs()), &Value::Null, 200).await
    }

    /// The parent of all runs' secrets.
    pub(crate) fn runtime(&self) -> &Path {
        Path::new(&self.setup.settings["RANGEHAND__PATHS__RUNTIME"])
    }

    /// Writes a file below the home directory.
    pub(crate) fn write(&self, path: &str, content: &str) {
        self.setup.write(path, content);
    }

    /// The directories of runs that are there.
    pub(crate) fn run_directories(&self) -> Vec<PathBuf> {
        entries(&self.home().join("var/runs"))
    }

    /// The directories of secrets of runs that are there. Content may be inspected at any time: a job that is asked for while it
    /// runs has its tasks listed.
    pub(crate) fn secret_directories(&self) -> Vec<PathBuf> {
        let is_inspection = |path: &PathBuf| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("inspection-"))
        };
        let mut directories = entries(Path::new(&self.setup.settings["RANGEHAND__PATHS__RUNTIME"]));
        directories.retain(|path| !is_inspection(path));
        directories
    }
}

impl TestApp {
    /// After a failed test: runs would go on without the service.
    fn end_runs(&self) {
        for run in self.run_directories() {
            let identity = fs::read(run.join("supervisor.json")).unwrap_or_default();
            let identity: Value = serde_json::from_slice(&identity).unwrap_or_default();
            let pid = identity["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok());
            if let Some(pid) = pid.and_then(rustix::process::Pid::from_raw) {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
            }
        }
    }
}

impl Drop for TestApp {
    #[expect(
        clippy::print_stderr,
        reason = "whoever reads of a failed test wants to know what the service said"
    )]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("---- the service's log\n{}", self.log());
            if let Some(mut service) = self.service.take() {
                let _ = service.kill();
                let _ = service.wait();
            }
            self.end_runs();
            return;
        }
        self.stop();
        assert_eq!(self.run_directories(), Vec::<PathBuf>::new(), "directories of runs are left");
        assert_eq!(self.secret_directories(), Vec::<PathBuf>::new(), "directories of secrets are left");
        let home = self.home().to_string_lossy().into_owned();
        // A supervisor lets go of its run a moment before it ends.
        let begun = Instant::now();
        while begun.elapsed() < ENDING && !processes_with(&home).is_empty() {
            std::thread::sleep(LOOK_AGAIN);
        }
        assert_eq!(processes_with(&home), Vec::<String>::new(), "processes of runs are left");
        let _ = fs::remove_dir(&self.setup.settings["RANGEHAND__PATHS__RUNTIME"]);
    }
}

async fn json_of(response: Response, status: u16) -> Value {
    let found = response.status();
    let text = response.text().await.expect("text");
    assert_eq!(found, status, "{text}");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Command lines and environments of processes in which a text occurs; zombies excepted.
pub(crate) fn processes_with(text: &str) -> Vec<String> {
    let numbers = entries(Path::new("/proc")).into_iter().filter(|path| {
        path.file_name().is_some_and(|name| name.to_string_lossy().bytes().all(|byte| byte.is_ascii_digit()))
    });
    numbers
        .filter(|process| *process != Path::new("/proc").join(std::process::id().to_string()))
        .filter_map(|process| {
            let command = fs::read(process.join("cmdline")).ok()?;
            let command = String::from_utf8_lossy(&command).replace('\0', " ");
            command.contains(text).then(|| format!("{}: {command}", process.display()))
        })
        .collect()
}

/// The processes in whose environment a text occurs; zombies excepted.
pub(crate) fn processes_with_environment(text: &str) -> Vec<PathBuf> {
    let holds = |process: &PathBuf| {
        let environment = fs::read(process.join("environ")).unwrap_or_default();
        String::from_utf8_lossy(&environment).contains(text)
    };
    entries(Path::new("/proc")).into_iter().filter(holds).collect()
}

/// Something that nobody knows: 32 hexadecimal digits.
pub(crate) fn generated_secret() -> String {
    let mut bytes = [0; 16];
    fs::File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .expect("random bytes");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A file that a playbook waits for: the run stands still until the test opens the gate.
pub(crate) struct Gate(PathBuf);

impl Gate {
    /// A closed gate.
    pub(crate) fn new(app: &TestApp) -> Self {
        Self(app.home().join("gate"))
    }

    /// For the playbook.
    pub(crate) fn path(&self) -> &str {
        self.0.to_str().expect("UTF-8")
    }

    /// Lets the run go on.
    pub(crate) fn open(&self) {
        fs::write(&self.0, "").expect("writable");
    }
}

/// Waits until a condition holds.
pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    until_async(what, async || condition()).await;
}

/// Waits until a condition holds that takes requests to find out.
pub(crate) async fn until_async(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !condition().await {
        assert!(begun.elapsed() < PATIENCE, "still waiting until {what}");
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let found = fs::read_dir(directory).into_iter().flatten().flatten();
    found.map(|entry| entry.path()).collect()
}

/// Copies a tree of the fixtures, links and modes included.
pub(crate) fn copy(source: &Path, target: &Path) {
    fs::create_dir_all(target).expect("writable");
    for entry in fs::read_dir(source).expect("readable") {
        let entry = entry.expect("readable");
        let (from, to) = (entry.path(), target.join(entry.file_name()));
        let kind = entry.file_type().expect("readable");
        if kind.is_dir() {
            copy(&from, &to);
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(&from).expect("a link"), &to).expect("writable");
        } else {
            fs::copy(&from, &to).expect("writable");
        }
    }
}
