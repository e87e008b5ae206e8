//! The supervisor of a run is killed: the outcome is unknown, but no process or file of the run is left.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rustix::process::Signal;
use testkit::{Gate, Job, TestApp, processes_with, until};

use super::{at_the_gate, processes_of, signal, supervisor};

async fn assert_lost_without_a_trace(app: &TestApp, job: &Job, run: &Path) {
    let job = job.until_state("lost").await;
    assert_eq!(job["reason"]["code"], "supervisor_gone", "{job:#}");
    assert!(job["processes_killed"].as_u64().expect("a number") > 0, "{job:#}");
    assert_eq!(processes_of(run), Vec::<PathBuf>::new(), "processes of the run are left");
    assert_eq!(app.secret_directories(), Vec::<PathBuf>::new());
    until("the run's directory is deleted", || app.run_directories().is_empty()).await;
    // Events from before are kept.
    let events = job.events().await;
    assert!(events.iter().any(|event| event["task"] == "Wait for the gate"));
}

#[tokio::test]
async fn a_run_whose_supervisor_is_killed_is_lost_and_leaves_nothing() {
    let app = TestApp::new();
    let (job, run) = at_the_gate(&app, &Gate::new(&app)).await;
    until("ansible-runner, ansible-playbook and a module are running", || processes_of(&run).len() >= 3)
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
async fn a_run_whose_directory_was_removed_after_a_crash_is_lost() {
    let mut app = TestApp::new();
    let (job, run) = at_the_gate(&app, &Gate::new(&app)).await;
    app.kill();
    signal(supervisor(&run), Signal::KILL);
    // A running playbook can still write.
    while run.exists() {
        let _ = fs::remove_dir_all(&run);
    }
    app.start_again();
    assert_lost_without_a_trace(&app, &job, &run).await;
}

/// A process with an empty environment has no marker. It is identified by its control group.
#[tokio::test]
async fn a_killed_supervisor_leaves_no_process_with_any_environment() {
    let app = TestApp::new();
    let marker = format!("family-{}-", app.home().file_name().expect("a name").to_string_lossy());
    let vars = serde_json::json!({"marker": marker, "seconds": 600});
    let request = serde_json::json!({"bundle": "tree", "limit": "localhost", "extra_vars": vars});
    let job = app.submit(&request).await;
    let is_up =
        |kind: &&str| processes_with(&marker).iter().any(|process| process.trim_end().ends_with(kind));
    let family = ["background", "setsid", "deaf", "bare", "foreground"];
    until("the family is up", || family.iter().all(is_up)).await;
    let [run] = &app.run_directories()[..] else { panic!("one run is active") };
    let pid = supervisor(run);
    let group = fs::read_to_string(format!("/proc/{}/cgroup", pid.as_raw_nonzero())).expect("it is running");
    signal(pid, Signal::KILL);
    let job = job.until_state("lost").await;
    assert_eq!(job["reason"]["code"], "supervisor_gone", "{job:#}");
    until("the run's directory is deleted", || app.run_directories().is_empty()).await;
    if group.contains("/rangehand-") {
        assert_eq!(processes_with(&marker), Vec::<String>::new(), "survivors");
        assert!(job["processes_killed"].as_u64().expect("a number") >= 5, "{job:#}");
    } else {
        // No control group may be made here: only the one without the marker escapes.
        end_the_bare_one(&marker);
    }
}

fn end_the_bare_one(marker: &str) {
    let survivors = processes_with(marker);
    let [bare] = &survivors[..] else { panic!("more than one survivor: {survivors:?}") };
    assert!(bare.trim_end().ends_with("bare"), "{bare}");
    let pid = bare.split(':').next().and_then(|path| path.rsplit('/').next()?.parse().ok());
    signal(pid.and_then(rustix::process::Pid::from_raw).expect("a pid"), Signal::KILL);
}
