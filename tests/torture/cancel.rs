//! Cancels a process tree that does all it can to survive.

use std::{fs, time::Instant};

use serde_json::json;
use testkit::{TestApp, generated_secret, processes_with, until};

use crate::by_form;

/// Whether processes of all kinds exist, and those that should ignore SIGTERM do.
fn is_complete(processes: &[String]) -> bool {
    let is_there = |kind: &&str| {
        let mut of_kind = processes.iter().filter(|process| process.trim_end().ends_with(*kind));
        of_kind.any(|process| !["deaf", "bare"].contains(kind) || is_deaf(process))
    };
    ["background", "setsid", "deaf", "bare", "foreground"].iter().all(is_there)
}

/// `SigIgn` in /proc is a set of bits, the lowest for signal 1; SIGTERM is 15.
fn is_deaf(process: &str) -> bool {
    let (path, _) = process.split_once(": ").expect("a path and a command line");
    let status = fs::read_to_string(format!("{path}/status")).unwrap_or_default();
    let set = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    set.and_then(|set| u64::from_str_radix(set.trim(), 16).ok()).is_some_and(|set| set >> 14 & 1 == 1)
}

#[tokio::test]
async fn a_tree_that_ignores_signals_is_killed_when_its_job_is_canceled() {
    let app = TestApp::new();
    let times: u32 = by_form(2, 50);
    let (mut killed, mut seconds) = (0, 0.0);
    for _ in 0..times {
        let marker = generated_secret();
        let request = json!({"bundle": "tree", "limit": "localhost", "extra_vars": {"marker": marker}});
        let job = app.submit(&request).await;
        until("the family is complete and as deaf as it gets", || is_complete(&processes_with(&marker)))
            .await;
        let begun = Instant::now();
        let job = job.cancel().await;
        seconds += begun.elapsed().as_secs_f64();
        // Checked once, without waiting: canceled means that nothing is left.
        assert_eq!(processes_with(&marker), Vec::<String>::new(), "{job:#}");
        assert_eq!(job["state"], "canceled", "{job:#}");
        killed += job["processes_killed"].as_u64().expect("a number");
    }
    println!(
        "figure: cancel of a tree that ignores TERM, changes sessions and forks twice | {times} times, {killed} processes \
         ended, {:.2} s on average with a grace of 1 s | 0 survivors",
        seconds / f64::from(times),
    );
}

/// Python and what it started: all of it ends at SIGTERM.
#[tokio::test]
async fn a_well_behaved_tree_exits_at_once_when_its_job_is_canceled() {
    let app = TestApp::new();
    let times: u32 = by_form(2, 50);
    let (mut killed, mut seconds, mut longest) = (0, 0.0, 0.0_f64);
    for _ in 0..times {
        let marker = generated_secret();
        let gate = app.home().join(format!("gate-{marker}"));
        let request = json!({"bundle": "gate", "limit": "localhost", "extra_vars": {"gate": gate}});
        let job = app.submit(&request).await;
        job.until_task("Wait for the gate").await;
        let begun = Instant::now();
        let job = job.cancel().await;
        let taken = begun.elapsed().as_secs_f64();
        (seconds, longest) = (seconds + taken, longest.max(taken));
        assert_eq!(processes_with(&marker), Vec::<String>::new(), "{job:#}");
        assert_eq!(job["state"], "canceled", "{job:#}");
        killed += job["processes_killed"].as_u64().expect("a number");
    }
    println!(
        "figure: cancel of a playbook that waits | {times} times, {killed} processes ended, {:.2} s on average, at most \
         {longest:.2} s | 0 survivors",
        seconds / f64::from(times),
    );
}
