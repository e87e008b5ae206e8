//! The supervisor of a run is killed: nobody knows how the run ended, but nothing of it may be left.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rustix::process::Signal;
use serde_json::Value;

use super::{at_the_gate, processes_of, signal, supervisor};
use crate::app::{Gate, TestApp, until};

async fn assert_lost_without_a_trace(app: &TestApp, job: &Value, run: &Path) {
    let job = app.until_state(job, "lost").await;
    assert_eq!(job["reason"]["code"], "supervisor_gone", "{job:#}");
    assert!(job["processes_killed"].as_u64().expect("a number") > 0, "{job:#}");
    assert_eq!(processes_of(run), Vec::<PathBuf>::new(), "processes of the run are left");
    assert_eq!(app.secret_directories(), Vec::<PathBuf>::new());
    until("the run's directory is gone", || app.run_directories().is_empty()).await;
    // What was told before stays.
    let events = app.events(&job).await;
    assert!(events.iter().any(|event| event["task"] == "Wait for the gate"));
}

#[tokio::test]
async fn a_run_whose_supervisor_is_killed_is_lost_and_leaves_nothing() {
    let app = TestApp::new();
    let (job, run) = at_the_gate(&app, &Gate::new(&app)).await;
    until("ansible-runner, ansible-playbook and a module are at work", || processes_of(&run).len() >= 3)
        .await;
    signal(supervisor(&run), Signal::KILL);
    assert_lost_without_a_trace(&app, &job, &run).await;
}

#[tokio::test]
async fn a_run_whose_supervisor_is_killed_with_the_service_is_lost_and_leaves_nothing() {
    let mut app = TestApp::new();
    let (job, run) = at_the_gate(&app, &Gate::new(&app)).await;
    app.kill();
    signal(supervisor(&run), Signal::KILL);
    app.start_again();
    assert_lost_without_a_trace(&app, &job, &run).await;
}

#[tokio::test]
async fn a_run_whose_directory_is_gone_after_a_crash_is_lost() {
    let mut app = TestApp::new();
    let (job, run) = at_the_gate(&app, &Gate::new(&app)).await;
    app.kill();
    signal(supervisor(&run), Signal::KILL);
    // A playbook at work may still write.
    while run.exists() {
        let _ = fs::remove_dir_all(&run);
    }
    app.start_again();
    assert_lost_without_a_trace(&app, &job, &run).await;
}
