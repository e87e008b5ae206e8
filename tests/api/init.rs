//! `rangehand init` as process 1 of a container: if the service is killed, the container and its runs continue.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use testkit::{Setup, WAIT_LIMIT, until};

/// The relevant parts of a container: a PID namespace, whose processes end with its process 1.
struct Container {
    setup: Setup,
    process: Child,
    output: BufReader<ChildStdout>,
    address: String,
    client: reqwest::Client,
}

/// New namespaces are for root.
fn may_make_namespaces() -> bool {
    let made = Command::new("unshare").args(["--pid", "--fork", "--mount-proc", "true"]).status();
    made.is_ok_and(|status| status.success())
}

fn init(setup: &Setup, words: &[&str]) -> Command {
    let mut command = setup.command();
    let log = fs::OpenOptions::new().create(true).append(true).open(setup.home().join("service.log"));
    command.arg("init").args(words).stdout(Stdio::piped()).stderr(log.expect("a log"));
    command
}

impl Container {
    /// Starts it and waits until its service listens; `None` where that may not be.
    fn start(setup: Setup) -> Option<Self> {
        if !may_make_namespaces() {
            return None;
        }
        let through = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child=KILL"];
        let setup = setup.through(&through);
        let mut process = init(&setup, &["serve"]).spawn().expect("the program starts");
        let output = BufReader::new(process.stdout.take().expect("a pipe"));
        let client = reqwest::Client::new();
        let mut container = Self { setup, process, output, address: String::new(), client };
        container.until_listening();
        Some(container)
    }

    fn until_listening(&mut self) {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the service says where it listens");
        let address = line.trim().strip_prefix("listening on ");
        let log = fs::read_to_string(self.setup.home().join("service.log")).unwrap_or_default();
        self.address = address.unwrap_or_else(|| panic!("the service did not start:\n{log}")).to_owned();
    }

    /// Process 1, by its number outside.
    fn first(&self) -> i32 {
        let unshare = i32::try_from(self.process.id()).expect("a small number");
        children(unshare).into_iter().next().expect("it is running").0
    }

    fn service(&self) -> i32 {
        let is_service = |(pid, _): &(i32, char)| {
            fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|words| words.ends_with(b"serve\0"))
        };
        children(self.first()).into_iter().find(is_service).expect("it is running").0
    }

    async fn get(&self, path: &str) -> Value {
        let response = self.client.get(format!("{}{path}", self.address)).send().await.expect("an answer");
        response.json().await.expect("JSON")
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let request = self.client.post(format!("{}{path}", self.address)).json(body);
        request.send().await.expect("an answer").json().await.expect("JSON")
    }

    /// Requests a run that waits at a gate, and waits until it is there.
    async fn run_to_the_gate(&self) -> Value {
        let home = self.setup.home();
        let variables = json!({"gate": home.join("gate"), "marks": home.join("marks")});
        let request = json!({"bundle": "marks", "limit": "localhost", "extra_vars": variables});
        let job = self.post("/v1/jobs", &request).await;
        until("the playbook has made its marks", || self.marks() == 5).await;
        job
    }

    fn marks(&self) -> usize {
        fs::read_to_string(self.setup.home().join("marks")).unwrap_or_default().lines().count()
    }

    async fn end_of(&self, job: &Value) -> Value {
        let id = job["id"].as_str().expect("a job has an id");
        self.get(&format!("/v1/jobs/{id}?wait={}", WAIT_LIMIT.as_secs())).await
    }

    fn signal(pid: i32, signal: Signal) {
        kill_process(Pid::from_raw(pid).expect("a pid"), signal).expect("the test owns it");
    }

    fn stop(&mut self) -> ExitStatus {
        Self::signal(self.first(), Signal::TERM);
        self.process.wait().expect("the test owns it")
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let runtime = std::path::Path::new("/dev/shm").join(self.setup.home().file_name().expect("a name"));
        let _ = fs::remove_dir_all(runtime);
    }
}

/// The children of a process, with their states.
fn children(parent: i32) -> Vec<(i32, char)> {
    let numbers = fs::read_dir("/proc").expect("there is a /proc").flatten();
    let child = |entry: fs::DirEntry| {
        let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
        let state = fields.next()?.chars().next()?;
        (fields.next()? == parent.to_string()).then_some((pid, state))
    };
    numbers.filter_map(child).collect()
}

#[tokio::test]
async fn a_run_continues_in_a_container_whose_service_is_killed() {
    let Some(mut container) = Container::start(Setup::new()) else { return };
    let job = container.run_to_the_gate().await;
    for _ in 0..2 {
        Container::signal(container.service(), Signal::KILL);
        container.until_listening();
    }
    fs::write(container.setup.home().join("gate"), "").expect("writable");
    let job = container.end_of(&job).await;
    assert_eq!((&job["state"], &job["attempt"]), (&json!("succeeded"), &json!(1)), "{job:#}");
    assert_eq!(container.marks(), 10);
    let first = container.first();
    until("what lost its parent is reaped", || children(first).iter().all(|(_, state)| *state != 'Z')).await;
    assert!(container.stop().success());
}

#[tokio::test]
async fn a_container_that_is_stopped_ends_its_runs_and_their_jobs_say_so() {
    let Some(mut container) = Container::start(Setup::new()) else { return };
    let job = container.run_to_the_gate().await;
    assert!(container.stop().success());
    let setup = std::mem::replace(&mut container.setup, Setup::new());
    let app = setup.through(&[]).start();
    let job = app.job(&job).until_state("failed").await;
    assert_eq!(job["reason"]["code"], "interrupted", "{job:#}");
}

#[tokio::test]
async fn a_service_that_does_not_start_is_given_up_with_its_exit_code() {
    let setup = Setup::new().set("RANGEHAND__SERVER__WORKERS", "none");
    let status = init(&setup, &["serve"]).status().expect("the program starts");
    assert_eq!(status.code(), Some(1));
    let log = fs::read_to_string(setup.home().join("service.log")).expect("written");
    assert_eq!(log.matches("restarting it").count(), 4, "{log}");
}

#[tokio::test]
async fn a_command_that_is_no_service_runs_once() {
    let setup = Setup::new();
    let output = init(&setup, &["--version"]).output().expect("the program starts");
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("rangehand "));
    assert!(!init(&setup, &["no-such-command"]).status().expect("the program starts").success());
    let log = fs::read_to_string(setup.home().join("service.log")).expect("written");
    assert!(!log.contains("restarting it"), "{log}");
}
