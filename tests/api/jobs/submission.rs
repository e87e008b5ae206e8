//! Submission of jobs, and the fields of a job.

use jiff::Timestamp;
use reqwest::{Method, header};
use serde_json::{Value, json};
use testkit::{Setup, TestApp, WAIT_LIMIT};

#[tokio::test]
async fn a_ping_comes_back_with_its_structured_result() {
    let app = TestApp::new();
    let job = app.run(&json!({"bundle": "ping", "limit": "localhost"})).await;
    assert_eq!(job["state"], "succeeded");
    assert_eq!(job["rc"], 0);
    assert_eq!(job["stats"]["localhost"]["ok"], 2);
    assert_eq!(job.results().await["ping"], json!([{"host": "localhost", "reply": "pong"}]));
}

#[tokio::test]
async fn a_job_is_accepted_at_once_and_ends_later() {
    let app = TestApp::new();
    let response = app.send(Method::POST, "/v1/jobs", Some(&json!({"playbook": "ping"}))).await;
    assert_eq!(response.status(), 202);
    let location = response.headers()[header::LOCATION].to_str().expect("text").to_owned();
    let job: Value = response.json().await.expect("JSON");
    assert_eq!(location, format!("/v1/jobs/{}", job["id"].as_str().expect("an id")));
    assert!(["queued", "running"].contains(&job["state"].as_str().expect("text")), "{job:#}");
    assert_eq!(job["finished_at"], Value::Null);

    let ended = app.get(&format!("{location}?wait={}", WAIT_LIMIT.as_secs()), 200).await;
    assert_eq!(ended["state"], "succeeded");
    assert_eq!(ended["id"], job["id"]);
}

#[tokio::test]
async fn a_request_waits_no_longer_than_it_says() {
    let app = TestApp::new();
    let job = app.post("/v1/jobs?wait=0.1", &json!({"bundle": "slow"}), 202).await;
    assert_eq!(job["finished_at"], Value::Null);
    assert_eq!(app.job(&job).cancel().await["state"], "canceled");
}

#[tokio::test]
async fn a_job_has_all_its_members() {
    let app = TestApp::new();
    let job = app.run(&json!({"scenario": "demo_lab", "extra_vars": {"vm_ids": ["1000"]}})).await;
    let members: Vec<_> = job.as_object().expect("an object").keys().map(String::as_str).collect();
    let known = ["id", "state", "reason", "request", "submitted_by", "parent"];
    let times = ["attempt", "created_at", "started_at", "finished_at"];
    let counted = ["rc", "stats", "failures", "failures_omitted", "processes_killed"];
    let run = ["executor", "isolation", "protections", "events", "failures_left_out"];
    assert_eq!(members, [&known[..], &times[..], &counted[..], &run[..]].concat());
    assert_eq!(job["state"], "succeeded", "{job:#}");
    assert_eq!(job["reason"]["code"], "succeeded");
    assert_eq!(job["reason"]["last_lines"], json!([]));
    let request = json!({
        "scenario": "demo_lab", "inventory": "hosts", "extra_vars": {"vm_ids": ["1000"]},
        "check": false, "diff": false, "verbosity": 0,
    });
    assert_eq!(job["request"], request);
    assert_eq!(job["attempt"], 1);
    assert_eq!(job["rc"], 0);
    let counts = json!({
        "ok": 2, "changed": 0, "unreachable": 0, "failed": 0, "skipped": 0, "rescued": 0, "ignored": 0,
    });
    assert_eq!(job["stats"], json!({"localhost": counts}));
    assert_eq!(job["failures"], json!([]));
    assert_eq!(job["events"], job.events().await.len());
    let time = |name: &str| job[name].as_str().expect("text").parse::<Timestamp>().expect("a time");
    assert!(time("created_at") <= time("started_at"), "{job:#}");
    assert!(time("started_at") < time("finished_at"), "{job:#}");
}

#[tokio::test]
async fn a_job_that_has_not_ended_has_no_result() {
    let app = TestApp::new();
    let job = app.submit(&json!({"bundle": "slow"})).await;
    let result = format!("/v1/jobs/{}/result", job["id"].as_str().expect("an id"));
    let problem = app.get(&result, 409).await;
    assert_eq!(problem["code"], "not_finished");
    job.cancel().await;
    assert_eq!(app.get(&result, 200).await["state"], "canceled");
}

/// Each of two runs waits for a file that only the other one makes.
#[tokio::test]
async fn two_jobs_run_at_the_same_time() {
    let setup = Setup::new().set("RANGEHAND__RUNS__MAX_CONCURRENT", "2");
    setup.write(
        "playbooks/bundles/rendezvous/main.yml",
        r#"
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.file: {path: "{{ mine }}", state: touch, mode: "0600"}
    - ansible.builtin.wait_for: {path: "{{ theirs }}", timeout: 60, sleep: 1}
"#,
    );
    let app = setup.start();
    let place = |name: &str| app.home().join(name).to_string_lossy().into_owned();
    let request = |mine: &str, theirs: &str| json!({"bundle": "rendezvous", "extra_vars": {"mine": place(mine), "theirs": place(theirs)}});
    let (one, other) = (request("one", "other"), request("other", "one"));
    let (one, other) = tokio::join!(app.run(&one), app.run(&other));
    assert_eq!([&one["state"], &other["state"]], ["succeeded", "succeeded"], "{one:#} {other:#}");
}
