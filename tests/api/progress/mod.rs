//! Durations, and the progress of a run.

use std::time::Instant;

use serde_json::{Value, json};
use testkit::{Gate, TestApp, WAIT_LIMIT};

async fn timing(app: &TestApp, job: &Value) -> Value {
    app.get(&format!("/v1/jobs/{}/timing", job["id"].as_str().expect("an id")), 200).await
}

/// The progress of a job once it has a basis.
async fn with_basis(app: &TestApp, job: &Value) -> Value {
    let path = format!("/v1/jobs/{}", job["id"].as_str().expect("an id"));
    let begun = Instant::now();
    loop {
        let job = app.get(&path, 200).await;
        assert_eq!(job["state"], "running", "{job:#}");
        if !job["progress"]["basis"].is_null() {
            return job["progress"].clone();
        }
        assert!(begun.elapsed() < WAIT_LIMIT, "{job:#}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn changed_ignored_and_rescued_are_kept_apart() {
    let app = TestApp::new();
    let job = app.run(&json!({"bundle": "ignored"})).await;
    let timing = timing(&app, &job).await;
    let totals = [&timing["changed"], &timing["ignored"], &timing["rescued"]];
    assert_eq!(totals, [0, 1, 1], "{timing:#}");
    let shown: Vec<_> = timing["tasks"]
        .as_array()
        .expect("tasks")
        .iter()
        .map(|task| (task["task"].as_str().expect("a name"), &task["ignored"], &task["rescued"], &task["ok"]))
        .collect();
    let (none, one) = (&json!(0), &json!(1));
    assert_eq!(
        shown,
        [
            ("Fail and be ignored", one, none, none),
            ("Fail and be rescued", none, one, none),
            ("Rescue", none, none, one),
        ]
    );
    let seconds = timing["hosts"]["localhost"].as_f64().expect("a number");
    assert!(seconds > 0.0, "{timing:#}");
    assert_eq!(timing["slowest"].as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn the_times_of_the_last_attempt_are_reported() {
    let app = TestApp::new();
    let job = app.run(&json!({"bundle": "failing", "inventory": "trio"})).await;
    let wait = format!("/v1/jobs/{}/retry?wait={}", job["id"].as_str().expect("an id"), WAIT_LIMIT.as_secs());
    let job = app.post(&wait, &Value::Null, 200).await;
    assert_eq!(job["attempt"], 2);
    let timing = timing(&app, &job).await;
    let tasks = timing["tasks"].as_array().expect("tasks");
    assert_eq!(tasks.len(), 2, "{timing:#}");
    assert_eq!((&tasks[1]["failed"], &tasks[1]["play"]), (&json!(3), &json!("Failing")));
    assert!(tasks[0]["started_at"].as_str() >= job["started_at"].as_str(), "{timing:#}");
    assert_eq!(timing["hosts"].as_object().map(serde_json::Map::len), Some(3));
}

#[tokio::test]
async fn progress_comes_from_the_list_of_tasks_then_from_the_last_good_run() {
    let app = TestApp::new();
    let gate = Gate::new(&app);
    let variables = json!({"marks": app.home().join("marks"), "gate": gate.path(), "half": 1});
    let request = json!({"bundle": "marks", "extra_vars": variables});
    let job = app.submit(&request).await;
    job.until_task("Wait for the gate").await;
    let first = with_basis(&app, &job).await;
    let shown = |progress: &Value| {
        ["percent", "tasks_done", "tasks_total", "basis"].map(|member| progress[member].clone())
    };
    assert_eq!(shown(&first), [json!(25), json!(1), json!(4), json!("list_tasks")], "{first:#}");
    assert!(first["eta_s"].as_f64().is_some_and(|eta| eta > 0.0), "{first:#}");
    gate.open();
    let job = job.until_state("succeeded").await;
    assert_eq!(shown(&job["progress"])[..3], [json!(100), json!(4), json!(4)], "{job:#}");

    std::fs::remove_file(gate.path()).expect("it is there");
    let job = app.submit(&request).await;
    job.until_task("Wait for the gate").await;
    let second = with_basis(&app, &job).await;
    assert_eq!(shown(&second), [json!(25), json!(1), json!(4), json!("last_success")], "{second:#}");
    let job = job.cancel().await;
    let job = app.get(&format!("/v1/jobs/{}", job["id"].as_str().expect("an id")), 200).await;
    assert!(job.get("progress").is_none(), "{job:#}");
}

#[tokio::test]
async fn an_estimate_is_made_from_runs_that_did_the_same_with_any_labels() {
    let app = TestApp::new();
    let gate = Gate::new(&app);
    let variables = json!({"marks": app.home().join("marks"), "gate": gate.path(), "half": 1});
    let request = json!({"bundle": "marks", "extra_vars": variables, "labels": {"operation": "vm_list"}});
    gate.open();
    assert_eq!(app.run(&request).await["state"], "succeeded");
    // Another action, and a part of the tasks: neither is what the next job will do.
    let mut other = request.clone();
    other["extra_vars"]["proxmox_vm_action"] = json!("vm_start");
    assert_eq!(app.run(&other).await["state"], "succeeded");
    let mut part = request.clone();
    part["start_at_task"] = json!("Result");
    assert_eq!(app.run(&part).await["state"], "succeeded");

    std::fs::remove_file(gate.path()).expect("it is there");
    for request in [&request, &other] {
        let job = app.submit(request).await;
        job.until_task("Wait for the gate").await;
        let progress = with_basis(&app, &job).await;
        assert_eq!(
            (&progress["basis"], &progress["tasks_total"]),
            (&json!("last_success"), &json!(4)),
            "{progress:#}"
        );
        job.cancel().await;
    }
}

#[tokio::test]
async fn the_share_never_goes_back_and_is_100_only_at_the_end() {
    let app = TestApp::new();
    let request = json!({"bundle": "resume_include", "extra_vars":
        {"marks": app.home().join("marks"), "fixed": app.home()}});
    let job = app.submit(&request).await;
    let path = format!("/v1/jobs/{}", job["id"].as_str().expect("an id"));
    let mut last = 0;
    let begun = Instant::now();
    loop {
        let job = app.get(&path, 200).await;
        let percent = job["progress"]["percent"].as_u64();
        assert!(percent.is_none_or(|percent| percent >= last), "{last} {job:#}");
        last = percent.unwrap_or(last);
        if job["state"] == "succeeded" {
            break;
        }
        assert!(last < 100 && begun.elapsed() < WAIT_LIMIT, "{job:#}");
        tokio::task::yield_now().await;
    }
    assert_eq!(last, 100);
}
