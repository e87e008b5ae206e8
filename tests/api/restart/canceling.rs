//! A request to cancel is kept until the run has ended, even if processes miss it.

use std::fs;

use testkit::{Gate, TestApp};

use super::{at_the_gate, processes_of};

/// The service is killed after it recorded the request, and before it signaled the supervisor. The test hides the identity of
/// the supervisor, so that it can't be signaled.
#[tokio::test]
async fn a_cancel_that_was_recorded_is_carried_out_after_a_restart() {
    let mut app = TestApp::new();
    let (job, run) = at_the_gate(&app, &Gate::new(&app)).await;
    let (identity, hidden) = (run.join("supervisor.json"), run.join("hidden"));
    fs::rename(&identity, &hidden).expect("the test owns it");
    let id = job["id"].as_str().expect("a job has an id");
    app.post(&format!("/v1/jobs/{id}/cancel"), &serde_json::Value::Null, 202).await;
    app.kill();
    assert!(!processes_of(&run).is_empty(), "the run is active");
    fs::rename(&hidden, &identity).expect("the test owns it");
    app.start_again();
    job.until_state("canceled").await;
    assert_eq!(processes_of(&run), Vec::<std::path::PathBuf>::new());
}

#[tokio::test]
async fn a_job_that_is_canceled_and_canceled_again_after_a_restart_is_canceled_once() {
    let mut app = TestApp::new();
    let (job, _) = at_the_gate(&app, &Gate::new(&app)).await;
    let id = job["id"].as_str().expect("a job has an id");
    app.post(&format!("/v1/jobs/{id}/cancel"), &serde_json::Value::Null, 202).await;
    app.kill();
    app.start_again();
    let ended = job.cancel().await;
    assert_eq!(ended["state"], "canceled");
    let events = job.events().await;
    let states = events.iter().filter(|event| event["kind"] == "job_state");
    let states: Vec<_> = states.map(|event| event["data"]["to"].clone()).collect();
    assert_eq!(states, ["queued", "running", "canceling", "canceled"]);
}
