//! Outcomes of runs.

use serde_json::json;
use testkit::TestApp;

#[tokio::test]
async fn a_failed_task_is_reported_with_its_host_and_message() {
    let app = TestApp::new();
    let job = app.run(&json!({"bundle": "failing"})).await;
    assert_eq!((&job["state"], &job["rc"]), (&json!("failed"), &json!(2)));
    let failure = json!({
        "host": "localhost", "play": "Failing", "task": "Exit with three",
        "action": "ansible.builtin.command", "unreachable": false, "item": null,
        "message": "non-zero return code: the disk is on fire",
    });
    assert_eq!(job["failures"], json!([failure]));
    assert_eq!(job["stats"]["localhost"]["failed"], 1);
    let reason = &job["reason"];
    assert_eq!((&reason["phase"], &reason["code"]), (&json!("run"), &json!("task_failed")));
    let message = reason["message"].as_str().expect("text");
    for part in ["Exit with three", "localhost", "the disk is on fire"] {
        assert!(message.contains(part), "{message}");
    }
    let last_lines: Vec<_> =
        reason["last_lines"].as_array().expect("lines").iter().filter_map(|line| line.as_str()).collect();
    assert!(last_lines.iter().any(|line| line.starts_with("fatal: [localhost]: FAILED!")), "{last_lines:#?}");
    assert!(last_lines.last().is_some_and(|line| line.starts_with("localhost ")), "{last_lines:#?}");
    assert_eq!(
        job.results().await,
        json!({"before_the_failure": [{"reached": true}]}),
        "what was done before the failure stays"
    );
}

#[tokio::test]
async fn failures_that_were_ignored_or_rescued_are_no_failures() {
    let app = TestApp::new();
    let job = app.run(&json!({"bundle": "ignored"})).await;
    assert_eq!((&job["state"], &job["rc"]), (&json!("succeeded"), &json!(0)), "{job:#}");
    assert_eq!(job["failures"], json!([]));
    let stats = &job["stats"]["localhost"];
    assert_eq!([&stats["failed"], &stats["rescued"], &stats["ignored"]], [0, 1, 1]);
    let failed = job.events().await.iter().filter(|event| event["kind"] == "runner_on_failed").count();
    assert_eq!(failed, 2, "the events still contain both");
    assert_eq!(
        job.results().await["rescued"],
        json!([{"task": "Fail and be rescued", "message": "help is near"}])
    );
}

#[tokio::test]
async fn results_and_statistics_are_reported_for_each_host() {
    let app = TestApp::new();
    let job = app.run(&json!({"bundle": "ping", "inventory": "trio"})).await;
    let hosts: Vec<_> = job["stats"].as_object().expect("an object").keys().collect();
    assert_eq!(hosts, ["node-a", "node-b", "node-c"]);
    let mut replies: Vec<_> = job.results().await["ping"]
        .as_array()
        .expect("values")
        .iter()
        .map(|reply| reply["host"].as_str().expect("text").to_owned())
        .collect();
    replies.sort_unstable();
    assert_eq!(replies, ["node-a", "node-b", "node-c"]);
}

#[tokio::test]
async fn an_unreachable_host_is_distinguished_from_a_failed_task() {
    let app = TestApp::new();
    let job = app.run(&json!({"bundle": "ping", "inventory": "unreachable"})).await;
    assert_eq!((&job["state"], &job["rc"]), (&json!("failed"), &json!(4)), "{job:#}");
    assert_eq!(job["reason"]["code"], "host_unreachable");
    let failures = job["failures"].as_array().expect("failures");
    let unreachable: Vec<_> =
        failures.iter().map(|failure| (&failure["host"], &failure["unreachable"])).collect();
    assert_eq!(unreachable, [(&json!("absent"), &json!(true))]);
    assert_eq!(job["stats"]["absent"]["unreachable"], 1);
    assert_eq!(job.results().await["ping"], json!([{"host": "localhost", "reply": "pong"}]));
}
