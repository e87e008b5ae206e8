//! A run works on its own copy of the playbooks.

use std::fs;

use serde_json::json;
use testkit::{Gate, TestApp};

#[tokio::test]
async fn editing_the_source_changes_nothing_for_an_active_run() {
    let app = TestApp::new();
    let gate = Gate::new(&app);
    let request = json!({"bundle": "snapshot", "limit": "localhost", "extra_vars": {"gate": gate.path()}});
    let job = app.submit(&request).await;
    job.until_task("Wait for the gate").await;

    // In place, so that a copy that shares the content would change too; and by a new file, as editors do.
    app.write("playbooks/bundles/snapshot/files/text.txt", "second edition\n");
    let late = app.home().join("playbooks/bundles/snapshot/late.yml");
    let text = fs::read_to_string(&late).expect("a fixture").replace("first", "second");
    fs::remove_file(&late).expect("the test owns it");
    fs::write(&late, &text).expect("the test owns it");

    gate.open();
    let job = job.until_state("succeeded").await;
    let first = json!({"before": "first edition", "after": "first edition", "late_tasks": "first edition"});
    assert_eq!(job.results().await["snapshot"], json!([first]));

    let job = app.run(&request).await;
    let second =
        json!({"before": "second edition", "after": "second edition", "late_tasks": "second edition"});
    assert_eq!(job.results().await["snapshot"], json!([second]));
}

#[tokio::test]
async fn removing_the_source_changes_nothing_for_an_active_run() {
    let app = TestApp::new();
    let gate = Gate::new(&app);
    let request = json!({"bundle": "snapshot", "limit": "localhost", "extra_vars": {"gate": gate.path()}});
    let job = app.submit(&request).await;
    job.until_task("Wait for the gate").await;
    fs::remove_dir_all(app.home().join("playbooks/bundles/snapshot")).expect("the test owns it");
    gate.open();
    job.until_state("succeeded").await;
}

#[tokio::test]
async fn files_that_a_run_writes_next_to_its_playbook_do_not_reach_the_source() {
    let app = TestApp::new();
    let job = app.run(&json!({"bundle": "selfedit", "limit": "localhost"})).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    let seen = json!({"lines": ["as shipped", "appended by the run", "made by the run"]});
    assert_eq!(job.results().await["selfedit"], json!([seen]));
    let bundle = app.home().join("playbooks/bundles/selfedit");
    assert_eq!(fs::read_to_string(bundle.join("files/data.txt")).expect("there"), "as shipped\n");
    assert!(!bundle.join("made_by_the_run.txt").exists());
}
