//! The private directory of a run: inaccessible to other users during the run, deleted after it.

use std::{
    io::{BufRead, BufReader},
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    process::Stdio,
};

use serde_json::json;
use testkit::{Gate, Job, Setup, TestApp, until};

fn mode(path: &Path) -> u32 {
    path.metadata().expect("it is there").permissions().mode() & 0o777
}

/// Asserts that the active run has its directories, each with mode 0700.
fn assert_private(app: &TestApp) {
    let (runs, secrets) = (app.run_directories(), app.secret_directories());
    assert_eq!((runs.len(), secrets.len()), (1, 1));
    for directory in [&runs[0], &runs[0].join("private"), &secrets[0], &app.runtime().to_path_buf()] {
        assert_eq!(mode(directory), 0o700, "{}", directory.display());
    }
}

async fn until_nothing_is_left(app: &TestApp) {
    assert_eq!(app.secret_directories(), Vec::<std::path::PathBuf>::new());
    // The end is recorded first; what is removed then holds events and outcome only.
    for run in app.run_directories() {
        assert!(!run.join("private").exists(), "{}", run.display());
    }
    until("the run's directory is deleted", || app.run_directories().is_empty()).await;
}

/// Runs the bundle `gate` up to its gate.
async fn at_the_gate(app: &TestApp, gate: &Gate, fail: bool) -> Job {
    let vars = json!({"gate": gate.path(), "fail": fail});
    let job = app.submit(&json!({"bundle": "gate", "limit": "localhost", "extra_vars": vars})).await;
    job.until_task("Wait for the gate").await;
    assert_private(app);
    job
}

#[tokio::test]
async fn the_private_directory_is_closed_to_others_and_removed_after_a_success() {
    let app = TestApp::new();
    let gate = Gate::new(&app);
    let job = at_the_gate(&app, &gate, false).await;
    gate.open();
    job.until_state("succeeded").await;
    until_nothing_is_left(&app).await;
}

#[tokio::test]
async fn the_private_directory_is_removed_after_a_failure() {
    let app = TestApp::new();
    let gate = Gate::new(&app);
    let job = at_the_gate(&app, &gate, true).await;
    gate.open();
    let job = job.until_state("failed").await;
    assert_eq!(job["reason"]["code"], "task_failed");
    until_nothing_is_left(&app).await;
}

#[tokio::test]
async fn the_private_directory_is_removed_after_a_cancel() {
    let app = TestApp::new();
    let job = at_the_gate(&app, &Gate::new(&app), false).await;
    assert_eq!(job.cancel().await["state"], "canceled");
    until_nothing_is_left(&app).await;
}

#[tokio::test]
async fn the_private_directory_is_removed_after_a_timeout() {
    let app = TestApp::new();
    let request =
        json!({"bundle": "slow", "limit": "localhost", "timeout_s": 3, "extra_vars": {"seconds": 300}});
    let job = app.submit(&request).await;
    until("the run has its directories", || {
        app.secret_directories().len() == 1 && app.run_directories()[0].join("private/env/settings").exists()
    })
    .await;
    assert_private(&app);
    let job = job.until_state("timed_out").await;
    assert_eq!(job["reason"]["code"], "total_timeout");
    until_nothing_is_left(&app).await;
}

#[tokio::test]
async fn the_private_directory_is_removed_when_the_playbook_cannot_be_read() {
    let app = TestApp::new();
    let job = app.run(&json!({"bundle": "badyaml", "limit": "localhost"})).await;
    assert_eq!(job["state"], "failed", "{job:#}");
    until_nothing_is_left(&app).await;
}

#[tokio::test]
async fn a_bad_link_elsewhere_in_the_root_is_omitted_with_a_warning() {
    let app = TestApp::new();
    let elsewhere = app.home().join("playbooks/bundles/elsewhere");
    std::fs::create_dir(&elsewhere).expect("writable");
    symlink("/etc/hostname", elsewhere.join("out")).expect("writable");
    symlink("gone", elsewhere.join("dangling")).expect("writable");
    let job = app.run(&json!({"bundle": "ping", "limit": "localhost"})).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    let events = job.events().await;
    let warning = events.iter().find(|event| event["kind"] == "warning").expect("a warning");
    assert_eq!(warning["data"]["total"], 2);
    let left_out = &warning["data"]["omitted"];
    for (path, why) in [
        (
            "bundles/elsewhere/out",
            "the link leaves the root: it leads to `/etc/hostname`; the setting `paths.link_targets` names \
             directories that links may lead to",
        ),
        ("bundles/elsewhere/dangling", "the link leads nowhere"),
    ] {
        let entry = json!({"path": path, "why": why});
        assert!(left_out.as_array().expect("a list").contains(&entry), "{left_out:#}");
    }
}

#[tokio::test]
async fn a_root_of_five_thousand_files_runs() {
    let app = TestApp::new();
    for directory in 0..50 {
        for file in 0..100 {
            app.write(&format!("playbooks/many/{directory}/{file}.yml"), "a: 1\n");
        }
    }
    let job = app.run(&json!({"bundle": "ping", "limit": "localhost"})).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
}

#[test]
fn a_runtime_directory_of_others_keeps_the_service_from_starting() {
    let refused = |prepare: &dyn Fn(&Path)| {
        let setup = Setup::new();
        let runtime = setup.home().join("runtime");
        prepare(&runtime);
        let setup = setup.set("RANGEHAND__PATHS__RUNTIME", runtime.to_string_lossy());
        let mut command = setup.command();
        let mut service = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it is there");
        // A service that starts prints where it listens. One that fails prints nothing there.
        let mut line = String::new();
        BufReader::new(service.stdout.take().expect("a pipe")).read_line(&mut line).expect("an end");
        let _ = service.kill();
        let output = service.wait_with_output().expect("the test owns it");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(line, "", "it started: {said}");
        assert!(said.contains("runtime directory") && said.contains("paths.runtime"), "{said}");
    };
    let make = |path: &Path, mode| {
        std::fs::create_dir(path).expect("writable");
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("the test owns it");
    };
    // Readable for others.
    refused(&|runtime| make(runtime, 0o750));
    // A link that another user chose.
    refused(&|runtime| {
        let elsewhere = runtime.with_file_name("elsewhere");
        make(&elsewhere, 0o700);
        symlink(elsewhere, runtime).expect("writable");
    });
    // Owned by another user, who can change it at any time. Only root can create such a directory.
    if rustix::process::geteuid().is_root() {
        refused(&|runtime| {
            make(runtime, 0o700);
            std::os::unix::fs::chown(runtime, Some(65534), None).expect("root may");
        });
    }
}
