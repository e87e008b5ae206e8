//! Several processes with one PostgreSQL database: one queue, and every node serves all jobs.

mod absent;
mod plans;
mod sharing;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use testkit::{Job, Postgres, Setup, TestApp, runs_in, until};

/// The lease of a job: short, so that the end of a node is noticed soon.
const LEASE_S: &str = "3";

/// A node with its own directories, one slot, and the shared database.
fn node(store: &Postgres) -> Setup {
    Setup::new()
        .set("RANGEHAND__STORE__URL", store.url())
        .set("RANGEHAND__STORE__MAX_CONNECTIONS", "4")
        .set("RANGEHAND__RUNS__MAX_CONCURRENT", "1")
        .set("RANGEHAND__RUNS__LEASE_S", LEASE_S)
}

/// The bundle `marks`, which stops half way at a gate.
fn marks(gate: &Path, marks: &Path) -> Value {
    let vars = json!({"gate": gate, "marks": marks});
    json!({"bundle": "marks", "limit": "localhost", "extra_vars": vars})
}

/// The bundle `gate`, which only waits.
fn waiting(gate: &Path) -> Value {
    json!({"bundle": "gate", "limit": "localhost", "extra_vars": {"gate": gate}})
}

fn id(job: &Value) -> &str {
    job["id"].as_str().expect("a job has an id")
}

/// What a file holds, by line.
fn lines(path: &Path) -> Vec<String> {
    std::fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
}

fn open(gate: &Path) {
    std::fs::write(gate, "").expect("writable");
}

/// Shows that the events are numbered 1, 2, 3 and so on.
fn assert_numbered(events: &[Value]) {
    let numbers: Vec<_> = events.iter().map(|event| event["seq"].as_u64().expect("a number")).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
}

/// The states of a job, from its events.
fn states(events: &[Value]) -> Vec<&str> {
    let moves = events.iter().filter(|event| event["kind"] == "job_state");
    moves.filter_map(|event| event["data"]["to"].as_str()).collect()
}

/// Two services of which the second has the job, which waits at the gate.
struct Elsewhere {
    here: TestApp,
    there: TestApp,
    job: Job,
    gate: PathBuf,
}

impl Elsewhere {
    /// The first service's only place is taken, so that the second gets the job.
    async fn begin(store: &Postgres) -> Self {
        let here = node(store).start();
        let (busy, gate) = (here.home().join("busy"), here.home().join("gate"));
        let first = here.submit(&waiting(&busy)).await;
        first.until_task("Wait for the gate").await;
        let there = node(store).start();
        let job = here.submit(&marks(&gate, &here.home().join("marks"))).await;
        job.until_task("Wait for the gate").await;
        assert_eq!((runs_in(here.home()).len(), runs_in(there.home()).len()), (1, 1));
        open(&busy);
        first.until_state("succeeded").await;
        Self { here, there, job, gate }
    }

    /// Waits until nothing of the run is left where it was.
    async fn until_forgotten(&self) {
        until("the run's directory is deleted", || self.there.run_directories().is_empty()).await;
    }
}

#[test]
fn a_worker_rejects_a_store_that_cannot_be_shared() {
    let output = Setup::new().command().arg("worker").output().expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && output.stdout.is_empty());
    assert!(said.contains("SQLite") && said.contains("hint:") && said.contains("store.url"), "{said}");
}
