//! Nodes that stop, and that return.

use std::path::PathBuf;

use rustix::process::Signal;
use serde_json::{Value, json};
use testkit::{Job, Postgres, TestApp, Worker, processes_with_environment, runs_in, until};

use super::{assert_numbered, id, lines, marks, node, open, states, waiting};

/// A service whose only slot is taken, and a worker.
struct Pair {
    app: TestApp,
    busy: Job,
    worker: Worker,
}

impl Pair {
    async fn begin(store: &Postgres, places: &str) -> Self {
        let app = node(store).start();
        let busy = app.submit(&waiting(&app.home().join("busy"))).await;
        busy.until_task("Wait for the gate").await;
        let worker = Worker::start(node(store).set("RANGEHAND__RUNS__MAX_CONCURRENT", places));
        Self { app, busy, worker }
    }

    /// Frees the slot of the service.
    async fn free(&self) {
        open(&self.app.home().join("busy"));
        self.busy.until_state("succeeded").await;
    }

    fn path(&self, name: &str) -> PathBuf {
        self.app.home().join(name)
    }

    /// Starts a job that only the worker can take, and waits until it is at its gate.
    async fn at_the_gate(&self, name: &str, retry: &Value) -> Job {
        let mut request = marks(&self.path("gate"), &self.path(name));
        request["retry"] = retry.clone();
        let job = self.app.submit(&request).await;
        job.until_task("Wait for the gate").await;
        job
    }
}

/// Shows that a job is lost because its node is.
fn assert_node_gone(job: &Value, node: &str) {
    assert_eq!(job["reason"]["code"], "node_gone", "{job:#}");
    assert!(job["reason"]["message"].as_str().expect("a text").contains(node), "{job:#}");
}

#[tokio::test]
async fn the_jobs_of_a_killed_worker_are_lost_and_retried_elsewhere_only_by_request() {
    let Some(store) = Postgres::create() else { return };
    let mut pair = Pair::begin(&store, "2").await;
    let again = pair.at_the_gate("again", &json!({"on": ["lost"], "max_attempts": 2})).await;
    let once = pair.at_the_gate("once", &Value::Null).await;
    let left = runs_in(pair.worker.home());
    assert_eq!(left.len(), 2, "the worker has both");
    pair.worker.kill();

    let lost = once.until_state("lost").await;
    assert_node_gone(&lost, pair.worker.name());
    again.until_state("queued").await;
    pair.free().await;
    until("the first half is done a second time", || lines(&pair.path("again")).len() == 10).await;
    assert_eq!(again.until_state("running").await["attempt"], 2);
    let before = once.events().await;

    // The runs that no worker follows still exist. Their node terminates them when it returns.
    assert_eq!(runs_in(pair.worker.home()).len(), 2);
    pair.worker.start_again();
    until("the old runs are ended", || runs_in(pair.worker.home()).is_empty()).await;
    for run in &left {
        let marker = format!("RANGEHAND_RUN={}", run.file_name().expect("a name").to_string_lossy());
        assert_eq!(processes_with_environment(&marker), Vec::<PathBuf>::new(), "processes are left");
    }

    open(&pair.path("gate"));
    let job = again.until_state("succeeded").await;
    assert_eq!(job["attempt"], 2);
    let done = lines(&pair.path("again"));
    assert_eq!(
        done.iter().filter(|mark| *mark == "mark 10").count(),
        1,
        "only one of the two runs continued: {done:?}"
    );
    let events = again.events().await;
    assert_numbered(&events);
    assert_eq!(states(&events), ["queued", "running", "lost", "queued", "running", "succeeded"]);

    assert_eq!(lines(&pair.path("once")).len(), 5);
    assert_eq!(pair.app.get(&format!("/v1/jobs/{}", id(&once)), 200).await["state"], "lost");
    assert_eq!(once.events().await, before);
    assert_eq!(states(&before), ["queued", "running", "lost"]);
    until("the run's directory is deleted", || pair.app.run_directories().is_empty()).await;
    drop((pair.worker, pair.app));
}

#[tokio::test]
async fn a_node_that_slept_through_its_lease_ends_its_run_and_writes_nothing() {
    let Some(store) = Postgres::create() else { return };
    let pair = Pair::begin(&store, "1").await;
    let job = pair.at_the_gate("marks", &Value::Null).await;
    pair.worker.signal(Signal::STOP);
    let lost = job.until_state("lost").await;
    assert_node_gone(&lost, pair.worker.name());
    let events = job.events().await;
    pair.worker.signal(Signal::CONT);
    until("the old run is ended", || runs_in(pair.worker.home()).is_empty()).await;
    let now = pair.app.get(&format!("/v1/jobs/{}", id(&job)), 200).await;
    assert_eq!(now["state"], "lost", "{now:#}");
    assert_eq!(job.events().await, events);
    assert_eq!(lines(&pair.path("marks")).len(), 5, "the run did not continue");
    // The worker works on.
    let next = pair.app.run(&json!({"bundle": "ping", "limit": "localhost"})).await;
    assert_eq!(next["state"], "succeeded", "{next:#}");
    pair.free().await;
    until("no run is left", || {
        pair.app.run_directories().is_empty() && runs_in(pair.worker.home()).is_empty()
    })
    .await;
    drop((pair.worker, pair.app));
}
