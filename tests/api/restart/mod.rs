//! The service ends, cleanly or not, and restarts: what happens to the runs meanwhile.

mod canceling;
mod postgres;
mod service;
mod supervisor;

use std::{
    fs,
    path::{Path, PathBuf},
};

use rustix::process::{Pid, Signal};
use serde_json::{Value, json};
use testkit::{Gate, Job, TestApp, processes_with_environment, until};

/// A run of the bundle `marks`: it records what it does in a file, and the job has events of it.
struct MarkedRun {
    job: Job,
    gate: Gate,
    marks: PathBuf,
}

impl MarkedRun {
    /// Begins it.
    async fn begin(app: &TestApp) -> Self {
        let (gate, marks) = (Gate::new(app), app.home().join("marks"));
        let vars = json!({"gate": gate.path(), "marks": marks});
        let request = json!({"bundle": "marks", "limit": "localhost", "extra_vars": vars});
        Self { job: app.submit(&request).await, gate, marks }
    }

    /// Waits until the playbook has made some of its marks.
    async fn until_marks(&self, count: usize) {
        until("the playbook has made its marks", || self.done().len() >= count).await;
    }

    /// The marks that the playbook made.
    fn done(&self) -> Vec<String> {
        fs::read_to_string(&self.marks).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    /// Asserts that the run did everything once, and that the job has one event of each, in order.
    async fn assert_done_and_recorded_once(&self, app: &TestApp) {
        let job = self.job.until_state("succeeded").await;
        assert_eq!((&job["attempt"], &job["rc"]), (&json!(1), &json!(0)), "{job:#}");
        assert_eq!(job.results().await["marked"], json!([10]));
        assert_eq!(job["stats"]["localhost"]["ok"], 4);

        let done: Vec<_> = (1..=10).map(|number| format!("mark {number}")).collect();
        assert_eq!(self.done(), done);
        let events = job.events().await;
        let numbers: Vec<_> = events.iter().map(|event| event["seq"].as_u64().expect("a number")).collect();
        assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
        assert_eq!(job["events"], json!(numbers.len()));
        let marks = events.iter().filter(|event| event["kind"] == "runner_item_on_ok");
        let marks: Vec<_> = marks.map(|event| format!("mark {}", event["data"]["res"]["item"])).collect();
        assert_eq!(marks, done);
        for (kind, times) in
            [("playbook_on_start", 1), ("playbook_on_task_start", 4), ("playbook_on_stats", 1)]
        {
            assert_eq!(events.iter().filter(|event| event["kind"] == kind).count(), times, "{kind}");
        }
        let states = events.iter().filter(|event| event["kind"] == "job_state");
        let states: Vec<_> = states.map(|event| event["data"]["to"].clone()).collect();
        assert_eq!(states, ["queued", "running", "succeeded"]);

        assert_eq!(app.secret_directories(), Vec::<PathBuf>::new());
        until("the run's directory is deleted", || app.run_directories().is_empty()).await;
    }
}

/// Runs the bundle `gate` up to its gate. Returns the job and its run's directory.
async fn at_the_gate(app: &TestApp, gate: &Gate) -> (Job, PathBuf) {
    let request = json!({"bundle": "gate", "limit": "localhost", "extra_vars": {"gate": gate.path()}});
    let job = app.submit(&request).await;
    job.until_task("Wait for the gate").await;
    let [run] = &app.run_directories()[..] else { panic!("one run is active") };
    (job, run.clone())
}

/// The supervisor's own word on who it is.
pub(crate) fn supervisor(run: &Path) -> Pid {
    let text = fs::read_to_string(run.join("supervisor.json")).expect("the supervisor has said who it is");
    let identity: Value = serde_json::from_str(&text).expect("JSON");
    let pid = identity["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok()).expect("a number");
    Pid::from_raw(pid).expect("a pid")
}

pub(crate) fn signal(process: Pid, signal: Signal) {
    rustix::process::kill_process(process, signal).expect("the test owns it");
}

/// The processes that carry the marker of a run.
fn processes_of(run: &Path) -> Vec<PathBuf> {
    let id = run.file_name().expect("a name").to_string_lossy();
    processes_with_environment(&format!("RANGEHAND_RUN={id}"))
}
