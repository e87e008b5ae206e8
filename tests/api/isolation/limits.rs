//! A run that exceeds a limit is terminated, with a reason. Other runs are not affected.
//!
//! Everything here is bounded: 150 processes and 300 MB at most, for a minute at most.

use std::time::Instant;

use serde_json::json;
use testkit::{Job, Setup, TestApp, processes_with};

use super::{can_sandbox, in_process, in_sandbox};

/// Limits that are far above what a healthy run takes, and far below what the greedy ones want.
pub(super) fn limited(setup: Setup) -> TestApp {
    setup
        .set("RANGEHAND__RUNS__MEMORY_MAX_BYTES", "220000000")
        .set("RANGEHAND__RUNS__PROCESSES_MAX", "60")
        .set("RANGEHAND__RUNS__MAX_CONCURRENT", "2")
        .start()
}

/// Runs the bundle and a healthy job at the same time. Returns how the bundle ended.
async fn with_a_healthy_one(app: &TestApp, bundle: &str) -> Job {
    let marker = format!("greedy-{bundle}-{}", app.home().file_name().expect("a name").to_string_lossy());
    let begun = Instant::now();
    let request = json!({"bundle": bundle, "limit": "localhost", "extra_vars": {"marker": marker}});
    let greedy = app.submit(&request).await;
    let healthy = app.run(&json!({"bundle": "echo", "limit": "localhost"})).await;
    assert_eq!(healthy["state"], "succeeded", "{healthy:#}");
    let greedy = greedy.until_state("failed").await;
    assert!(begun.elapsed().as_secs() < 110, "it ended by itself");
    assert_eq!(processes_with(&marker), Vec::<String>::new(), "survivors");
    assert!(greedy["processes_killed"].as_u64().expect("a number") > 0, "{greedy:#}");
    greedy
}

pub(super) async fn assert_limits_hold(app: &TestApp) {
    for (bundle, code, setting) in [
        ("forkbomb", "process_limit", "runs.processes_max"),
        ("memoryhog", "memory_limit", "runs.memory_max_bytes"),
    ] {
        let job = with_a_healthy_one(app, bundle).await;
        assert_eq!(job["reason"]["code"], code, "{job:#}");
        assert!(job["reason"]["message"].as_str().expect("a text").contains(setting), "{job:#}");
    }
    // Other jobs are not affected.
    let job = app.run(&json!({"bundle": "ping", "limit": "localhost"})).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
}

#[tokio::test]
async fn a_fork_bomb_and_a_memory_hog_end_their_own_jobs_and_nothing_else() {
    assert_limits_hold(&limited(in_process())).await;
}

#[tokio::test]
async fn a_fork_bomb_and_a_memory_hog_end_in_a_sandbox_too() {
    if can_sandbox() {
        assert_limits_hold(&limited(in_sandbox())).await;
    }
}

#[tokio::test]
#[expect(clippy::print_stderr, reason = "a test that shows nothing must not look like one that does")]
async fn without_control_groups_looking_ends_them() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("NOT TESTED: limits without control groups: only root can hide them");
        return;
    }
    assert_limits_hold(&limited(in_process().without_control_groups())).await;
}

#[tokio::test]
async fn limits_of_zero_limit_nothing() {
    let app = in_process()
        .set("RANGEHAND__RUNS__MEMORY_MAX_BYTES", "0")
        .set("RANGEHAND__RUNS__PROCESSES_MAX", "0")
        .set("RANGEHAND__RUNS__OPEN_FILES_MAX", "0")
        .start();
    let job = app.run(&json!({"bundle": "ping", "limit": "localhost"})).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
}
