//! The tasks at which Ansible can start.

use std::fs;

use serde_json::{Value, json};
use testkit::TestApp;

use super::{Marks, has_note, preview, resume};

#[tokio::test]
async fn a_failure_in_a_dynamic_include_begins_at_the_include() {
    let app = TestApp::new();
    let marks = Marks::new(&app);
    let job = app.run(&json!({"bundle": "resume_include", "extra_vars": marks.variables()})).await;
    assert_eq!(job["failures"][0]["task"], "Needs the fix", "{job:#}");
    let plan = preview(&app, &job).await;
    assert_eq!(plan["start_at_task"], "Include steps", "{plan:#}");
    assert!(has_note(&plan, "cannot begin at `Needs the fix`"), "{plan:#}");

    marks.fix();
    let job = resume(&app, &job).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    assert_eq!(marks.read(), ["first", "inside", "inside", "last"]);
}

#[tokio::test]
async fn tasks_of_roles_and_templates_are_begun_by_their_own_name() {
    let app = TestApp::new();
    let marks = Marks::new(&app);
    let job = app.run(&json!({"bundle": "resume_role", "extra_vars": marks.variables()})).await;
    assert_eq!(job["failures"][0]["task"], "Needs the [fix]", "{job:#}");
    let plan = preview(&app, &job).await;
    assert_eq!(plan["start_at_task"], "resume_steps : Needs the [fix]", "{plan:#}");
    assert_eq!(plan["tasks"][0]["tasks"], json!(["resume_steps : Needs the [fix]"]), "{plan:#}");
    assert!(!has_note(&plan, "several tasks"), "the role distinguishes it from the other one: {plan:#}");

    marks.fix();
    let job = resume(&app, &job).await;
    assert_eq!(job["failures"][0]["task"], "Needs more", "{job:#}");
    assert_eq!(marks.read(), ["before", "f", "more", "role"], "nothing before the failed task ran again");

    let plan = preview(&app, &job).await;
    assert_eq!(plan["start_at_task"], "Needs {{ what }}", "{plan:#}");
    assert!(has_note(&plan, "several tasks are called"), "{plan:#}");
    fs::write(app.home().join("fixed-more"), "").expect("writable");
    let job = resume(&app, &job).await;
    assert_eq!((&job["state"], &job["attempt"]), (&json!("succeeded"), &json!(3)), "{job:#}");
    assert_eq!(marks.read(), ["before", "f", "more", "more", "role"], "it began at the first of that name");
}

#[tokio::test]
async fn deleted_content_is_reported_by_the_new_attempt() {
    let app = TestApp::new();
    let job = app.run(&json!({"bundle": "failing"})).await;
    fs::remove_dir_all(app.home().join("playbooks/bundles/failing")).expect("writable");
    let plan = preview(&app, &job).await;
    assert_eq!((&plan["start_at_task"], &plan["tasks"]), (&Value::Null, &json!([])), "{plan:#}");
    let job = resume(&app, &job).await;
    assert_eq!(job["reason"]["code"], "playbook_not_found", "{job:#}");
}

#[tokio::test]
async fn a_role_that_is_named_by_its_path_is_resumed_at_its_failed_task() {
    let app = TestApp::new();
    let marks = Marks::new(&app);
    app.write(
        "playbooks/hardening/site.yml",
        "- {hosts: localhost, gather_facts: false, roles: [{role: '{{ playbook_dir }}'}]}",
    );
    app.write(
        "playbooks/hardening/tasks/main.yml",
        "- {name: First rule, ansible.builtin.shell: 'echo first >> {{ marks }}'}
- {name: Second rule, ansible.builtin.shell: 'echo second >> {{ marks }}; test -e {{ fixed }}'}
- {name: Third rule, ansible.builtin.shell: 'echo third >> {{ marks }}'}
",
    );
    let job = app.run(&json!({"playbook": "hardening/site", "extra_vars": marks.variables()})).await;
    assert_eq!(job["failures"][0]["task"], "Second rule", "{job:#}");
    let plan = preview(&app, &job).await;
    let start = plan["start_at_task"].as_str().expect("a task");
    assert!(start.ends_with(" : Second rule"), "{plan:#}");
    assert_eq!(plan["tasks"][0]["tasks"].as_array().map(Vec::len), Some(2), "{plan:#}");

    marks.fix();
    let job = resume(&app, &job).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    assert_eq!(marks.read(), ["first", "second", "second", "third"]);
}

#[tokio::test]
async fn a_start_that_is_not_there_is_named_in_the_preview() {
    let app = TestApp::new();
    let job = app.run(&json!({"bundle": "failing", "start_at_task": "no such task"})).await;
    assert_eq!(job["reason"]["code"], "nothing_to_do", "{job:#}");
    let plan = preview(&app, &job).await;
    assert!(has_note(&plan, "no listed task is called `no such task`"), "{plan:#}");
}
