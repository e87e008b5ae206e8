//! Which hosts a resumed job continues with.

use serde_json::{Value, json};
use testkit::TestApp;

use super::{Marks, has_note, preview, resume};

#[tokio::test]
async fn only_the_host_that_failed_runs_again() {
    let app = TestApp::new();
    let marks = Marks::new(&app);
    let mut variables = marks.variables();
    variables["broken"] = json!(["node-b"]);
    let job = app.run(&json!({"bundle": "resume", "inventory": "trio", "extra_vars": variables})).await;
    assert_eq!(job["state"], "failed", "{job:#}");
    let plan = preview(&app, &job).await;
    assert_eq!((&plan["hosts"], &plan["limit"]), (&json!(["node-b"]), &json!("node-b")), "{plan:#}");
    assert_eq!(plan["start_at_task"], "Needs the fix");

    marks.fix();
    let job = resume(&app, &job).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    assert_eq!(job["stats"].as_object().expect("an object").keys().collect::<Vec<_>>(), ["node-b"]);
    let expected =
        ["first node-a", "first node-b", "first node-c", "last node-a", "last node-b", "last node-c"];
    assert_eq!(marks.read(), expected, "each host did each task once");
    assert!(job["request"]["limit"].is_null(), "the request stays as it was");
}

#[tokio::test]
async fn a_host_that_could_not_be_reached_runs_again() {
    let app = TestApp::new();
    let job = app.run(&json!({"bundle": "ping", "inventory": "unreachable"})).await;
    assert_eq!(job["reason"]["code"], "host_unreachable");
    let plan = preview(&app, &job).await;
    assert_eq!((&plan["hosts"], &plan["limit"]), (&json!(["absent"]), &json!("absent")), "{plan:#}");
}

#[tokio::test]
async fn a_run_that_stopped_for_all_hosts_resumes_with_all_hosts() {
    let app = TestApp::new();
    let marks = Marks::new(&app);
    let request = json!({"bundle": "resume_stop", "inventory": "trio", "extra_vars": marks.variables()});
    let job = app.run(&request).await;
    assert_eq!(job["state"], "failed", "{job:#}");
    let plan = preview(&app, &job).await;
    assert_eq!(plan["hosts"], json!(["node-a", "node-b", "node-c"]), "{plan:#}");
    assert_eq!((&plan["limit"], &plan["start_at_task"]), (&Value::Null, &json!("Needs the fix")));
    assert!(has_note(&plan, "continues with all its hosts"), "{plan:#}");

    marks.fix();
    let job = resume(&app, &job).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    let expected =
        ["first node-a", "first node-b", "first node-c", "last node-a", "last node-b", "last node-c"];
    assert_eq!(marks.read(), expected, "no host was left behind");
}
