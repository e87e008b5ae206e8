//! Resuming where a job failed. The playbooks append to a file what really ran again.

mod cut_off;
mod hosts;
mod starts;

use std::{fs, path::PathBuf};

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Job, TestApp, WAIT_LIMIT};

/// The file of marks, and the one whose existence mends the playbook.
struct Marks {
    marks: PathBuf,
    fixed: PathBuf,
}

impl Marks {
    fn new(app: &TestApp) -> Self {
        Self { marks: app.home().join("marks"), fixed: app.home().join("fixed") }
    }

    fn variables(&self) -> Value {
        json!({ "marks": self.marks, "fixed": self.fixed })
    }

    fn fix(&self) {
        fs::write(&self.fixed, "").expect("writable");
    }

    /// Sorted: hosts run in parallel.
    fn read(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.marks).unwrap_or_default();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort_unstable();
        lines
    }
}

fn path(job: &Value, rest: &str) -> String {
    format!("/v1/jobs/{}/resume{rest}", job["id"].as_str().expect("an id"))
}

async fn preview(app: &TestApp, job: &Value) -> Value {
    app.post(&path(job, "?dry_run=true"), &Value::Null, 200).await
}

async fn resume(app: &TestApp, job: &Value) -> Job {
    app.job(&app.post(&path(job, &format!("?wait={}", WAIT_LIMIT.as_secs())), &Value::Null, 200).await)
}

fn has_note(preview: &Value, part: &str) -> bool {
    let notes = preview["notes"].as_array().expect("notes");
    notes.iter().any(|note| note.as_str().is_some_and(|note| note.contains(part)))
}

#[tokio::test]
async fn a_resumed_job_starts_at_the_failed_task() {
    let app = TestApp::new();
    let marks = Marks::new(&app);
    let job = app.run(&json!({"bundle": "resume", "extra_vars": marks.variables()})).await;
    assert_eq!(job["state"], "failed", "{job:#}");
    let before = app.get(&format!("/v1/jobs/{}", job["id"].as_str().expect("an id")), 200).await;

    let plan = preview(&app, &job).await;
    assert_eq!((&plan["job_id"], &plan["start_at_task"]), (&job["id"], &json!("Needs the fix")), "{plan:#}");
    assert_eq!((&plan["hosts"], &plan["limit"]), (&json!(["localhost"]), &Value::Null));
    let tasks = json!([
        {"play": "Resume", "tasks": ["Needs the fix", "Mark last"]},
        {"play": "After all", "tasks": ["Result"]},
    ]);
    assert_eq!(plan["tasks"], tasks);
    let after = app.get(&format!("/v1/jobs/{}", job["id"].as_str().expect("an id")), 200).await;
    assert_eq!(before, after, "a preview changes nothing");

    marks.fix();
    let job = resume(&app, &job).await;
    assert_eq!((&job["state"], &job["attempt"]), (&json!("succeeded"), &json!(2)), "{job:#}");
    assert_eq!(marks.read(), ["first localhost", "last localhost"], "the first task ran once");
    assert_eq!(job.results().await["done"], json!(["localhost"]));

    let problem = app.post(&path(&job, ""), &Value::Null, 409).await;
    assert_eq!(problem["code"], "nothing_to_resume");
}

#[tokio::test]
async fn a_resumed_job_that_fails_again_is_resumed_from_there() {
    let app = TestApp::new();
    let marks = Marks::new(&app);
    let request = json!({"bundle": "resume", "inventory": "trio", "extra_vars":
        {"marks": marks.marks, "fixed": marks.fixed, "broken": ["node-b"]}});
    let job = app.run(&request).await;
    let again = resume(&app, &job).await;
    assert_eq!((&again["state"], &again["attempt"]), (&json!("failed"), &json!(2)), "{again:#}");
    let plan = preview(&app, &again).await;
    assert_eq!((&plan["start_at_task"], &plan["limit"]), (&json!("Needs the fix"), &json!("node-b")));
    marks.fix();
    let job = resume(&app, &again).await;
    assert_eq!((&job["state"], &job["attempt"]), (&json!("succeeded"), &json!(3)), "{job:#}");
    let expected =
        ["first node-a", "first node-b", "first node-c", "last node-a", "last node-b", "last node-c"];
    assert_eq!(marks.read(), expected);
}

#[tokio::test]
async fn what_cannot_be_resumed_is_refused() {
    let app = TestApp::new();
    let job = app.run(&json!({"bundle": "ping"})).await;
    for rest in ["", "?dry_run=true"] {
        assert_eq!(app.post(&path(&job, rest), &Value::Null, 409).await["code"], "nothing_to_resume");
    }
    let job = app.submit(&json!({"bundle": "slow", "extra_vars": {"seconds": 600}})).await;
    job.until_task("Sleep").await;
    for rest in ["", "?dry_run=true"] {
        let problem = app.post(&path(&job, rest), &Value::Null, 409).await;
        assert_eq!(problem["code"], "wrong_state", "{problem:#}");
    }
    job.cancel().await;
    let unknown = json!({"id": "0190a8d2-7c3f-7a51-9f0e-2b6f5f0f4d11"});
    assert_eq!(app.post(&path(&unknown, ""), &Value::Null, 404).await["code"], "unknown_job");
    assert_eq!(app.post(&path(&job, "?dry=1"), &Value::Null, 422).await["code"], "invalid_request");
    assert_eq!(app.send(Method::GET, &path(&job, ""), None).await.status(), 405);
}

#[tokio::test]
async fn a_job_that_never_began_runs_from_the_beginning() {
    let app = TestApp::new();
    let job = app.run(&json!({"bundle": "ping", "inventory": "later"})).await;
    assert_eq!(job["reason"]["code"], "inventory_not_found");
    let plan = preview(&app, &job).await;
    assert_eq!((&plan["start_at_task"], &plan["hosts"]), (&Value::Null, &json!([])), "{plan:#}");
    assert!(has_note(&plan, "no task was begun"), "{plan:#}");
    app.write("inventory/later.yml", "all: {hosts: {localhost: {ansible_connection: local}}}");
    let job = resume(&app, &job).await;
    assert_eq!((&job["state"], &job["attempt"]), (&json!("succeeded"), &json!(2)), "{job:#}");
}
