//! Jobs that end before their playbook does. When the service is dropped, the test checks that nothing is left of them.

use serde_json::{Value, json};
use testkit::{Setup, TestApp};

#[tokio::test]
async fn a_run_that_takes_too_long_is_timed_out() {
    let app = TestApp::new();
    let job = app.run(&json!({"bundle": "slow", "timeout_s": 3, "extra_vars": {"seconds": 600}})).await;
    assert_eq!((&job["state"], &job["rc"]), (&json!("timed_out"), &Value::Null), "{job:#}");
    assert_eq!((&job["reason"]["phase"], &job["reason"]["code"]), (&json!("run"), &json!("total_timeout")));
    assert!(job["reason"]["message"].as_str().is_some_and(|text| text.contains("3 s")), "{job:#}");
    assert!(job["processes_killed"].as_u64() > Some(0), "{job:#}");
}

#[tokio::test]
async fn a_running_job_is_canceled() {
    let app = TestApp::new();
    let job = app.submit(&json!({"bundle": "slow", "extra_vars": {"seconds": 600}})).await;
    job.until_task("Sleep").await;
    let job = job.cancel().await;
    assert_eq!((&job["state"], &job["rc"]), (&json!("canceled"), &Value::Null), "{job:#}");
    assert_eq!(job["reason"]["code"], "canceled");
    let moves: Vec<_> = job
        .events()
        .await
        .iter()
        .filter(|event| event["kind"] == "job_state")
        .map(|event| event["data"]["to"].clone())
        .collect();
    assert_eq!(moves, ["queued", "running", "canceling", "canceled"]);
    assert!(job.log().await.contains("TASK [Sleep]"), "a canceled run keeps its log");
    assert_eq!(*job.cancel().await, *job, "asking again is no error");
}

#[tokio::test]
async fn a_waiting_job_is_canceled_at_once() {
    let app = Setup::new().set("RANGEHAND__RUNS__MAX_CONCURRENT", "1").start();
    let slow = json!({"bundle": "slow", "extra_vars": {"seconds": 600}});
    let first = app.submit(&slow).await;
    first.until_task("Sleep").await;
    let second = app.submit(&slow).await;
    assert_eq!((&second["state"], &second["reason"]["code"]), (&json!("queued"), &json!("waiting")));

    let cancel = format!("/v1/jobs/{}/cancel", second["id"].as_str().expect("an id"));
    let second = app.post(&cancel, &Value::Null, 200).await;
    assert_eq!(second["state"], "canceled");
    assert_eq!((&second["attempt"], &second["started_at"]), (&json!(0), &Value::Null));
    assert_eq!(first.until_state("running").await["id"], first["id"], "the other job continues");
    assert_eq!(first.cancel().await["state"], "canceled");
}

#[tokio::test]
async fn a_job_that_has_ended_cannot_be_canceled() {
    let app = TestApp::new();
    let job = app.run(&json!({"bundle": "ping", "inventory": "nowhere"})).await;
    let cancel = format!("/v1/jobs/{}/cancel", job["id"].as_str().expect("an id"));
    let problem = app.post(&cancel, &Value::Null, 409).await;
    assert_eq!(problem["code"], "wrong_state");
    assert!(problem["detail"].as_str().is_some_and(|text| text.contains("failed")), "{problem:#}");
}
