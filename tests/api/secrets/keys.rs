//! `rangehand keys`: rotation during the operation of a service.

use std::process::Output;

use serde_json::json;
use testkit::{Gate, Setup, TestApp, generated_secret};

use super::files_with;

fn keys(app: &TestApp, action: &str) -> String {
    let Output { status, stdout, stderr } =
        app.setup().command().args(["keys", action]).output().expect("the program starts");
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).expect("text")
}

/// The names of the keys that a list shows.
fn names(list: &str) -> Vec<&str> {
    list.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect()
}

#[tokio::test]
async fn rotation_reencrypts_secrets_of_queued_jobs_and_removes_the_old_key() {
    let app = Setup::new().set("RANGEHAND__RUNS__MAX_CONCURRENT", "1").start();
    let (gate, secret) = (Gate::new(&app), generated_secret());
    let request = json!({"bundle": "gate", "limit": "localhost", "extra_vars": {"gate": gate.path()},
                         "secret_vars": {"value": secret}});
    let running = app.submit(&request).await;
    running.until_task("Wait for the gate").await;
    let waiting = app.submit(&request).await;
    let before = keys(&app, "list");
    let old = names(&before);
    assert!(old.len() == 1 && before.contains("jobs: 2"), "{before}");

    let output = keys(&app, "rotate");
    assert!(
        output.contains("re-encrypted: 2") && output.contains(&format!("removed: {}", old[0])),
        "{output}"
    );
    let after = keys(&app, "list");
    assert!(names(&after).len() == 1 && names(&after) != old && after.contains("jobs: 2"), "{after}");
    // The service knows the new key without a restart, for what waited and for what comes.
    let later = app.submit(&request).await;
    assert!(keys(&app, "list").contains("jobs: 3"));
    gate.open();
    for job in [running, waiting, later] {
        job.until_state("succeeded").await;
    }
    assert!(keys(&app, "list").contains("jobs: 0"));
    assert!(files_with(&app.home().join("var"), &secret).is_empty());
}

#[test]
fn a_key_file_that_others_may_read_keeps_the_service_from_starting() {
    let setup = Setup::new();
    setup.write("keys", "");
    let setup = setup.set("RANGEHAND__SECRETS__KEY_FILE", "keys");
    let output = setup.command().output().expect("the program starts");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && text.contains("chmod 600"), "{text}");
}
