//! The service ends during runs: their supervisors continue without it.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use serde_json::json;
use testkit::{Gate, Setup, TestApp, until};

use super::{MarkedRun, at_the_gate};

#[tokio::test]
async fn a_run_continues_when_the_service_is_killed_and_is_recovered() {
    let mut app = TestApp::new();
    let run = MarkedRun::begin(&app).await;
    run.until_marks(2).await;
    app.kill();
    run.until_marks(5).await;
    app.start_again();
    run.job.until_task("Wait for the gate").await;
    // Once more, now that a part of the events was kept by one service and a part by another.
    app.kill();
    run.gate.open();
    run.until_marks(7).await;
    app.start_again();
    run.assert_done_and_recorded_once(&app).await;
}

#[tokio::test]
async fn a_run_that_ends_while_the_service_is_down_is_found_at_the_restart() {
    let mut app = TestApp::new();
    let run = MarkedRun::begin(&app).await;
    run.until_marks(1).await;
    app.kill();
    run.gate.open();
    let directory = app.run_directories().pop().expect("a run is active");
    until("the run has ended", || directory.join("outcome.json").exists()).await;
    assert!(!directory.join("private").exists() && app.secret_directories().is_empty());
    app.start_again();
    run.assert_done_and_recorded_once(&app).await;
}

#[tokio::test]
async fn a_stopped_service_ends_at_once_and_its_run_continues() {
    let mut app = TestApp::new();
    let run = MarkedRun::begin(&app).await;
    run.job.until_task("Wait for the gate").await;
    // A client waits for the job meanwhile: it gets a response before the service ends, and the end doesn't wait for the gate.
    let id = run.job["id"].as_str().expect("a job has an id");
    let mut waiting = TcpStream::connect(authority(&app)).expect("the service listens");
    write!(waiting, "GET /v1/jobs/{id}?wait=600 HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .expect("connected");
    until("the request has been read", || has_read_everything(&waiting)).await;
    app.stop();
    let mut answer = String::new();
    waiting.read_to_string(&mut answer).expect("an answer and its end");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains(r#""state":"running""#), "{answer}");

    app.start_again();
    run.job.until_state("running").await;
    run.gate.open();
    run.assert_done_and_recorded_once(&app).await;
}

fn authority(app: &TestApp) -> &str {
    app.address().strip_prefix("http://").expect("an address of HTTP")
}

/// Has the other end taken all that was written? From the kernel's list of connections: `rx_queue` is what waits.
fn has_read_everything(stream: &TcpStream) -> bool {
    let ports = [stream.peer_addr(), stream.local_addr()].map(|address| address.expect("connected").port());
    let [remote, local] = ports.map(|port| format!(":{port:04X}"));
    let table = std::fs::read_to_string("/proc/net/tcp").expect("there is a /proc");
    let rows = table.lines().map(|line| line.split_ascii_whitespace().collect::<Vec<_>>());
    rows.into_iter()
        .filter(|row| row[1].ends_with(&remote) && row[2].ends_with(&local))
        .any(|row| row[4].ends_with(":00000000"))
}

#[tokio::test]
async fn jobs_that_wait_survive_a_crash_and_run() {
    let mut app = Setup::new().set("RANGEHAND__RUNS__MAX_CONCURRENT", "1").start();
    let gate = Gate::new(&app);
    let (first, _) = at_the_gate(&app, &gate).await;
    let request = json!({"bundle": "ping", "limit": "localhost"});
    let waiting = [app.submit(&request).await, app.submit(&request).await];
    app.kill();
    app.start_again();
    for job in &waiting {
        assert_eq!(job.until_state("queued").await["attempt"], 0);
    }
    gate.open();
    first.until_state("succeeded").await;
    for job in &waiting {
        assert_eq!(job.until_state("succeeded").await["attempt"], 1);
    }
}

#[tokio::test]
async fn what_an_ended_run_left_behind_is_removed_at_the_next_start() {
    let mut app = TestApp::new();
    let gate = Gate::new(&app);
    let (job, run) = at_the_gate(&app, &gate).await;
    gate.open();
    job.until_state("succeeded").await;
    until("the run's directory is deleted", || app.run_directories().is_empty()).await;
    // As if the service had been killed after it recorded the end and before it removed the directory.
    app.kill();
    std::fs::create_dir(&run).expect("writable");
    std::fs::write(run.join("outcome.json"), "{}").expect("writable");
    app.start_again();
    until("the run's directory is deleted", || app.run_directories().is_empty()).await;
}
