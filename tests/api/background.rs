//! Background tasks: their activation, and the result of each.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Gate, Setup, TestApp, sql, until_async};

/// The tasks by name.
async fn task(app: &TestApp, name: &str) -> Value {
    let tasks = app.get("/v1/background-tasks", 200).await;
    let task = tasks["items"].as_array().expect("a list").iter().find(|task| task["name"] == name).cloned();
    task.unwrap_or_else(|| panic!("there is no `{name}`: {tasks:#}"))
}

/// A sample of a metric of a task.
async fn sample(app: &TestApp, metric: &str, task: &str) -> String {
    let text = app.send(Method::GET, "/metrics", None).await.text().await.expect("text");
    let name = format!("rangehand_background_task_{metric}{{task=\"{task}\"}} ");
    let found = text.lines().find_map(|line| line.strip_prefix(&name));
    found.unwrap_or_else(|| panic!("there is no `{name}`: {text}")).to_owned()
}

#[tokio::test]
async fn a_submitted_job_nudges_the_task_that_claims_it() {
    let app = Setup::new().set("RANGEHAND__RUNS__MAX_CONCURRENT", "1").start();
    let mut causes = Vec::new();
    // The timer may be a moment earlier than the nudge, but not each time.
    while !causes.contains(&json!("nudge")) {
        assert!(causes.len() < 5, "{causes:?}");
        let gate = Gate::new(&app);
        let request = json!({"bundle": "gate", "extra_vars": {"gate": gate.path()}});
        let job = app.submit(&request).await;
        job.until_state("running").await;
        // The only slot is taken, so this is still the claim of that job.
        let last = task(&app, "claim_jobs").await["last"].clone();
        assert_eq!((&last["items"], &last["error"]), (&json!(1), &Value::Null), "{last:#}");
        causes.push(last["activated_by"].clone());
        gate.open();
        job.until_state("succeeded").await;
    }
}

#[tokio::test]
async fn a_task_that_fails_shows_its_error_until_it_succeeds_again() {
    let app = Setup::new().set("RANGEHAND__RUNS__LEASE_S", "3").start();
    let gate = Gate::new(&app);
    let request = json!({"bundle": "gate", "extra_vars": {"gate": gate.path()}});
    let job = app.submit(&request).await;
    job.until_state("running").await;
    let error = async || task(&app, "renew_leases").await["last"]["error"].clone();
    let broken =
        "CREATE TRIGGER broken BEFORE UPDATE OF lease_until ON jobs BEGIN SELECT RAISE(ABORT, 'broken'); END";
    sql(&app, broken);
    until_async("the task fails", async || error().await.is_string()).await;
    assert_eq!(error().await, "1 of 1 failed, the first one: the database failed");
    let failing = task(&app, "renew_leases").await;
    assert!(failing["failures"].as_u64() > Some(0) && failing["last"]["items"].is_null(), "{failing:#}");
    assert_eq!(sample(&app, "failing", "renew_leases").await, "1");
    assert_ne!(sample(&app, "failures_total", "renew_leases").await, "0");
    assert_eq!(sample(&app, "failing", "relay_cancellations").await, "0", "the others work");
    sql(&app, "DROP TRIGGER broken");
    until_async("the task succeeds", async || error().await.is_null()).await;
    assert_eq!(sample(&app, "failing", "renew_leases").await, "0");
    gate.open();
    job.until_state("succeeded").await;
}

#[tokio::test]
async fn every_task_is_shown_with_its_period_and_is_in_the_metrics() {
    let app = TestApp::new();
    let ran = async || {
        let last = task(&app, "prune_files").await["last"].clone();
        last["activated_by"] == "start" && last["error"].is_null()
    };
    until_async("the files are pruned at the start", ran).await;
    let tasks = app.get("/v1/background-tasks", 200).await;
    let mut names = Vec::new();
    for task in tasks["items"].as_array().expect("a list") {
        let name = task["name"].as_str().expect("a name");
        assert!(task["period_s"].as_f64() > Some(0.0), "{task:#}");
        assert!(task["summary"].as_str().is_some_and(|summary| !summary.ends_with('.')), "{task:#}");
        let activations: u64 = sample(&app, "activations_total", name).await.parse().expect("a number");
        assert!(Some(activations) >= task["activations"].as_u64(), "{task:#}");
        names.push(name);
    }
    // Only one process uses an SQLite file, so there is nothing to listen for.
    let expected = [
        "claim_jobs",
        "renew_leases",
        "relay_cancellations",
        "take_over_jobs",
        "requeue_retries",
        "prune_history",
        "prune_audit",
        "prune_files",
        "tend_ranges",
    ];
    assert_eq!(names, expected);
}
