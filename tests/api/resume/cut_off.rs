//! Runs that were terminated before their end.

use serde_json::json;
use testkit::{Gate, TestApp};

use super::{preview, resume};

#[tokio::test]
async fn a_canceled_job_resumes_at_the_task_that_was_running() {
    let app = TestApp::new();
    let gate = Gate::new(&app);
    let marks = app.home().join("marks");
    let variables = json!({"marks": marks, "gate": gate.path(), "half": 1});
    let request = json!({"bundle": "marks", "inventory": "trio", "extra_vars": variables});
    let job = app.submit(&request).await;
    job.until_task("Wait for the gate").await;
    assert_eq!(job.cancel().await["state"], "canceled");
    let plan = preview(&app, &job).await;
    assert_eq!(plan["start_at_task"], "Wait for the gate", "{plan:#}");
    assert_eq!(plan["hosts"], json!(["node-a", "node-b", "node-c"]));
    gate.open();
    let job = resume(&app, &job).await;
    assert_eq!((&job["state"], &job["attempt"]), (&json!("succeeded"), &json!(2)), "{job:#}");
    let text = std::fs::read_to_string(&marks).expect("marks");
    let count = |mark: &str| text.lines().filter(|line| *line == mark).count();
    assert_eq!((count("mark 1"), count("mark 2")), (3, 3), "{text}");
}

#[tokio::test]
async fn a_job_that_was_canceled_in_the_queue_before_its_second_attempt_knows_the_first() {
    let app = testkit::Setup::new().set("RANGEHAND__RUNS__MAX_CONCURRENT", "1").start();
    let job = app.run(&json!({"bundle": "failing"})).await;
    let slow = json!({"bundle": "slow", "extra_vars": {"seconds": 600}});
    let slow = app.submit(&slow).await;
    slow.until_task("Sleep").await;
    let retry = format!("/v1/jobs/{}/retry", job["id"].as_str().expect("an id"));
    app.post(&retry, &serde_json::Value::Null, 202).await;
    assert_eq!(job.cancel().await["state"], "canceled");
    let plan = preview(&app, &job).await;
    assert_eq!(plan["start_at_task"], "Exit with three", "{plan:#}");
    slow.cancel().await;
}

#[tokio::test]
async fn a_timed_out_job_resumes_at_the_task_that_was_running() {
    let app = TestApp::new();
    let job = app.run(&json!({"bundle": "slow", "timeout_s": 5, "extra_vars": {"seconds": 600}})).await;
    assert_eq!(job["state"], "timed_out", "{job:#}");
    let plan = preview(&app, &job).await;
    let begun = job.events().await.iter().any(|event| event["task"] == "Sleep");
    assert_eq!(plan["start_at_task"], if begun { json!("Sleep") } else { json!(null) }, "{plan:#}");
}
