//! However a run ends, no process of it is left.

use std::fs;

use serde_json::{Value, json};
use testkit::{Setup, TestApp, processes_with, until};

/// The names of the processes of the bundle `tree`: a plain child, one in a separate session, one that ignores SIGTERM, one
/// with an empty environment that ignores it too, and the one that Ansible waits for.
const FAMILY: [&str; 5] = ["background", "setsid", "deaf", "bare", "foreground"];

/// Is the whole family up, and are the deaf ones deaf?
fn is_up(marker: &str) -> bool {
    let processes = processes_with(marker);
    FAMILY.iter().all(|kind| {
        let found = processes.iter().find(|process| process.trim_end().ends_with(kind));
        found.is_some_and(|process| !matches!(*kind, "deaf" | "bare") || is_deaf(process))
    })
}

/// Is SIGTERM ignored? Bit 14 of `SigIgn` in /proc/pid/status.
fn is_deaf(process: &str) -> bool {
    let directory = process.split(':').next().expect("split returns an item");
    let status = fs::read_to_string(format!("{directory}/status")).unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & (1 << 14) != 0)
}

/// Does the family come up before the job ends?
async fn comes_up(app: &TestApp, job: &Value, marker: &str) -> bool {
    let path = format!("/v1/jobs/{}", job["id"].as_str().expect("a job has an id"));
    while app.get(&path, 200).await["finished_at"].is_null() {
        if is_up(marker) {
            return true;
        }
    }
    false
}

/// Rangehand killed at least the two that ignore SIGTERM. Others can exit because their parents do.
fn assert_killed(job: &Value) {
    assert!(job["processes_killed"].as_u64().expect("a number") >= 2, "{job:#}");
}

fn marker(app: &TestApp, number: usize) -> String {
    let home = app.home().file_name().expect("a name").to_string_lossy();
    format!("family-{home}-{number}-")
}

fn request(bundle: &str, marker: &str) -> Value {
    json!({"bundle": bundle, "limit": "localhost", "extra_vars": {"marker": marker, "seconds": 600}})
}

#[tokio::test]
async fn a_cancel_ends_the_whole_tree_and_no_other() {
    let app = Setup::new().set("RANGEHAND__RUNS__MAX_CONCURRENT", "5").start();
    let mut jobs = Vec::new();
    for number in 0..5 {
        let marker = marker(&app, number);
        jobs.push((app.submit(&request("tree", &marker)).await, marker));
    }
    for (_, marker) in &jobs {
        until("the family is up", || is_up(marker)).await;
    }
    while let Some((job, marker)) = jobs.pop() {
        let job = job.cancel().await;
        assert_eq!(processes_with(&marker), Vec::<String>::new(), "survivors");
        assert_eq!(job["state"], "canceled", "{job:#}");
        assert_eq!(job["reason"]["code"], "canceled");
        assert_killed(&job);
        for (_, other) in &jobs {
            assert!(is_up(other), "another run's family was hit");
        }
    }
}

#[tokio::test]
async fn a_timeout_ends_the_whole_tree() {
    let app = TestApp::new();
    // How long Ansible takes to start the family depends on the machine: longer limits until it was up in time.
    for (number, timeout_s) in [8, 16, 32, 64].into_iter().enumerate() {
        let marker = marker(&app, number);
        let mut request = request("tree", &marker);
        request["timeout_s"] = json!(timeout_s);
        let job = app.submit(&request).await;
        let was_up = comes_up(&app, &job, &marker).await;
        let job = job.until_state("timed_out").await;
        assert_eq!(processes_with(&marker), Vec::<String>::new(), "survivors");
        assert_eq!(job["reason"]["code"], "total_timeout");
        if was_up {
            assert_killed(&job);
            return;
        }
    }
    panic!("Ansible never started the family in time");
}

#[tokio::test]
async fn what_a_playbook_leaves_behind_is_ended_and_the_run_is_a_success() {
    let app = TestApp::new();
    let marker = marker(&app, 0);
    let job = app.run(&request("linger", &marker)).await;
    assert_eq!(processes_with(&marker), Vec::<String>::new(), "survivors");
    assert_eq!(job["state"], "succeeded", "{job:#}");
    assert_eq!(job.results().await["linger"], json!([{"left": 4}]));
    assert!(job["processes_killed"].as_u64().expect("a number") >= 4, "{job:#}");
}

#[tokio::test]
async fn a_run_that_leaves_nothing_behind_has_nothing_killed() {
    let app = TestApp::new();
    let job = app.run(&json!({"bundle": "ping", "limit": "localhost"})).await;
    assert_eq!((&job["state"], &job["processes_killed"]), (&json!("succeeded"), &json!(0)));
}

#[tokio::test]
async fn a_run_that_is_silent_for_too_long_is_ended() {
    let app = Setup::new().set("RANGEHAND__RUNS__IDLE_TIMEOUT_S", "2").start();
    let request = json!({"bundle": "slow", "limit": "localhost", "extra_vars": {"seconds": 600}});
    let job = app.run(&request).await;
    assert_eq!(job["state"], "timed_out", "{job:#}");
    assert_eq!(job["reason"]["code"], "idle_timeout");
    assert!(job["processes_killed"].as_u64().expect("a number") > 0, "{job:#}");
}

#[tokio::test]
async fn a_job_that_is_canceled_the_moment_it_runs_is_canceled() {
    let app = TestApp::new();
    for _ in 0..5 {
        let request = json!({"bundle": "slow", "limit": "localhost", "extra_vars": {"seconds": 600}});
        let job = app.submit(&request).await;
        job.until_state("running").await;
        assert_eq!(job.cancel().await["state"], "canceled");
    }
}
