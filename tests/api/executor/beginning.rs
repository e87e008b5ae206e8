//! Runs that ended before Ansible was executed: their jobs are queued again at their old positions, and run once.

use std::{fs, path::Path};

use rustix::process::Signal;
use serde_json::{Value, json};
use testkit::{Gate, Job, Postgres, Setup, TestApp, until};

use super::{
    hosts::{hosts_of, parent, processes, signal, spare_of},
    with,
};
use crate::restart::supervisor;

/// A request for the bundle `journal`, which records there that it began and ended.
fn journaled(home: &Path, name: &str, more: &Value) -> Value {
    let variables =
        json!({"journal": home.join("journal"), "name": name, "count": 1, "seconds": 0, "fail": false});
    let mut request = json!({"bundle": "journal", "limit": "localhost", "extra_vars": variables});
    for (key, value) in more.as_object().expect("an object") {
        request[key] = value.clone();
    }
    request
}

/// The names in the order in which they began and ended.
fn journal(home: &Path) -> Vec<String> {
    let text = fs::read_to_string(home.join("journal")).unwrap_or_default();
    text.lines().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect()
}

/// The moves of a job: state and reason code.
async fn moves(job: &Job) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let events = job.events().await;
    let numbers: Vec<_> = events.iter().filter_map(|event| event["seq"].as_u64()).collect();
    assert_eq!(numbers, (1..=events.len() as u64).collect::<Vec<_>>());
    let moves = events.iter().filter(|event| event["kind"] == "job_state");
    moves.map(|event| (text(&event["data"]["to"]), text(&event["data"]["reason"]["code"]))).collect()
}

fn expected(words: &[&str]) -> Vec<(String, String)> {
    let part = |word: &&str| {
        let (state, code) = word.split_once('/').unwrap_or((word, word));
        (state.to_owned(), code.to_owned())
    };
    words.iter().map(part).collect()
}

const ONCE_MORE: [&str; 5] =
    ["queued/waiting", "running", "queued/requeued_never_began", "running", "succeeded"];

/// Executed by each Python when it starts: the process that is to import Ansible waits while a file is there.
const WAIT_TO_IMPORT: &str = "\
import os, sys, time
while any('exec(os.read(0' in word for word in sys.orig_argv) and os.path.exists(os.environ['PYTHONPATH'] + '/held'):
    time.sleep(0.02)
";

/// A warm service whose host does not import Ansible, so that no run begins.
fn held() -> Setup {
    let setup = with("warm");
    let directory = setup.home().join("python");
    fs::create_dir(&directory).expect("created");
    fs::write(directory.join("sitecustomize.py"), WAIT_TO_IMPORT).expect("written");
    fs::write(directory.join("held"), "").expect("written");
    let directory = directory.to_str().expect("UTF-8").to_owned();
    setup.set("PYTHONPATH", directory)
}

/// The process that is to import Ansible; waits for it.
async fn held_host(app: &TestApp) -> i32 {
    until("a process is to import Ansible", || hosts_of(app).len() == 1).await;
    hosts_of(app)[0]
}

/// Kills the service and its host, and starts the service again. From now on Ansible is imported.
fn kill_and_start(app: &mut TestApp, host: i32) {
    app.kill();
    signal(host, Signal::KILL);
    fs::remove_file(app.home().join("python/held")).expect("removed");
    app.start_again();
}

async fn assert_jobs_that_never_began_run_once(setup: Setup) {
    let mut app = setup.set("RANGEHAND__RUNS__MAX_CONCURRENT", "2").start();
    let mut jobs = Vec::new();
    for name in ["a", "b"] {
        jobs.push(app.submit(&journaled(app.home(), name, &json!({}))).await);
    }
    let host = held_host(&app).await;
    for job in &jobs {
        job.until_state("running").await;
    }
    kill_and_start(&mut app, host);
    for job in &jobs {
        let job = job.until_state("succeeded").await;
        assert_eq!(job["attempt"], 1, "{job:#}");
        assert_eq!(moves(&job).await, expected(&ONCE_MORE));
    }
    let mut done = journal(app.home());
    done.sort();
    assert_eq!(done, ["begin a", "begin b", "end a", "end b"]);
}

#[tokio::test]
async fn jobs_that_never_began_when_the_service_was_killed_run_once_after_its_restart() {
    assert_jobs_that_never_began_run_once(held()).await;
}

#[tokio::test]
async fn jobs_that_never_began_run_once_with_a_postgres_store() {
    let Some(database) = Postgres::create() else { return };
    assert_jobs_that_never_began_run_once(held().set("RANGEHAND__STORE__URL", database.url())).await;
    drop(database);
}

#[tokio::test]
async fn a_job_that_never_began_keeps_its_place_its_resources_and_its_secrets() {
    let mut app = held().set("RANGEHAND__RUNS__MAX_CONCURRENT", "1").start();
    let more = json!({"resources": ["vm:a"], "secret_vars": {"token": "swordfish-1"}});
    let first = journaled(app.home(), "first", &more);
    let job = app.submit(&first).await;
    let host = held_host(&app).await;
    job.until_state("running").await;
    // More urgent by a hair than nothing, but later.
    let second = journaled(app.home(), "second", &json!({"resources": ["vm:a"]}));
    let second = app.submit(&second).await;
    kill_and_start(&mut app, host);
    second.until_state("succeeded").await;
    let job = job.until_state("succeeded").await;
    assert_eq!(moves(&job).await, expected(&ONCE_MORE));
    assert_eq!(journal(app.home()), ["begin first", "end first", "begin second", "end second"]);
}

#[tokio::test]
async fn a_job_that_is_canceled_before_it_began_is_canceled_after_a_restart() {
    let mut app = held().start();
    let job = app.submit(&journaled(app.home(), "a", &json!({}))).await;
    let host = held_host(&app).await;
    job.until_state("running").await;
    let id = job["id"].as_str().expect("a job has an id");
    app.post(&format!("/v1/jobs/{id}/cancel"), &Value::Null, 202).await;
    kill_and_start(&mut app, host);
    let job = job.until_state("canceled").await;
    assert_eq!(moves(&job).await, expected(&["queued/waiting", "running", "canceling", "canceled"]));
    assert_eq!(journal(app.home()), Vec::<String>::new());
}

/// A supervisor that has a run and waits for its child, which is stopped. Returns its number.
async fn stuck_supervisor(app: &TestApp) -> rustix::process::Pid {
    let has_one = || app.run_directories().iter().any(|run| run.join("supervisor.json").exists());
    until("a supervisor has the run", has_one).await;
    supervisor(&app.run_directories()[0])
}

/// Stops the child of the supervisor that waits for the next run.
async fn stop_the_next_child(app: &TestApp) {
    let spare = spare_of(app).await;
    let children = || processes().filter(|pid| parent(*pid) == Some(spare)).collect::<Vec<_>>();
    until("it has a child", || children().len() == 1).await;
    signal(children()[0], Signal::STOP);
}

#[tokio::test]
async fn a_job_whose_supervisors_never_begin_waits_again_and_fails_in_the_end() {
    let app = with("warm").set("RANGEHAND__RUNS__MAX_CONCURRENT", "1").start();
    app.run(&journaled(app.home(), "before", &json!({}))).await;
    stop_the_next_child(&app).await;
    let job = app.submit(&journaled(app.home(), "a", &json!({}))).await;
    for time in 1..=5 {
        let stuck = stuck_supervisor(&app).await;
        if time < 5 {
            stop_the_next_child(&app).await;
        }
        let run = app.run_directories().remove(0);
        rustix::process::kill_process(stuck, Signal::KILL).expect("the test owns it");
        until("the run is deleted", || !run.exists()).await;
    }
    let job = job.until_state("failed").await;
    assert_eq!((&job["reason"]["code"], &job["attempt"]), (&json!("never_began"), &json!(1)), "{job:#}");
    let mut states = expected(&["queued/waiting", "running"]);
    for _ in 0..4 {
        states.extend(expected(&["queued/requeued_never_began", "running"]));
    }
    states.extend(expected(&["failed/never_began"]));
    assert_eq!(moves(&job).await, states);
    assert_eq!(journal(app.home()), ["begin before", "end before"]);
}

/// A run that may have done something is not repeated, whatever happened to its supervisor.
#[tokio::test]
async fn a_job_that_began_is_lost_with_its_supervisor_and_not_queued_again() {
    let mut app = with("warm").start();
    let gate = Gate::new(&app);
    let request = json!({"bundle": "gate", "limit": "localhost", "extra_vars": {"gate": gate.path()}});
    let job = app.submit(&request).await;
    until("Ansible may be executed", || {
        app.run_directories().iter().any(|run| run.join("begun").is_symlink())
    })
    .await;
    let stuck = stuck_supervisor(&app).await;
    app.kill();
    rustix::process::kill_process(stuck, Signal::KILL).expect("the test owns it");
    app.start_again();
    let job = job.until_state("lost").await;
    assert_eq!(moves(&job).await, expected(&["queued/waiting", "running", "lost/supervisor_gone"]));
}
