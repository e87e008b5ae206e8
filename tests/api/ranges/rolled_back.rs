//! Rules that a playbook set are undone with their plan.

use std::process::Command;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{TestApp, WAIT_LIMIT, until_async};

use super::{Range, can_make_machines, lab, service};

/// The rules of the router, as the kernel lists them.
fn rules(app: &TestApp, range: &str) -> String {
    let platforms = app.platforms().pop().expect("the directory of the platform");
    let script = format!(
        "nsenter --net=\"$(echo {}/*/{range}/machines/gw/net)\" nft list table inet rangehand",
        platforms.display()
    );
    let output = Command::new("sh").args(["-ec", &script]).output().expect("sh");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The jobs of a range with a label.
async fn jobs(app: &TestApp, label: &str) -> Vec<Value> {
    app.get(&format!("/v1/jobs?label={label}"), 200).await["items"].as_array().expect("jobs").clone()
}

#[tokio::test]
async fn rules_that_a_playbook_set_are_as_before_after_a_rollback() {
    if !can_make_machines() {
        return;
    }
    let app =
        service("process", "warm").set("RANGEHAND__PLATFORMS__LOCAL__RULES_BY_PLAYBOOK", "true").start();
    app.write(
        "playbooks/hold.yml",
        "- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.wait_for: {path: /nowhere, timeout: 300}\n",
    );
    app.write(
        "playbooks/fails.yml",
        "- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.fail: {msg: it has to}\n",
    );
    let mut document = lab("lab", 102);
    document["rules"] = json!([{"from": "dmz", "to": "inside", "allow": ["tcp/5432"]}]);
    let range = Range::create(&app, &document).await;
    let before = rules(&app, &range.id);
    assert!(before.contains("5432"), "{before}");

    // A plan that changes the rules, and is canceled while a task runs.
    document["rules"] = json!([{"from": "dmz", "to": "inside", "allow": ["tcp/8080"]}]);
    document["tasks"] = json!([{"name": "last", "playbook": "hold", "on": "gw"}]);
    let change = app.send(Method::PUT, "/v1/ranges/lab", Some(&document)).await;
    let change: Value = change.json().await.expect("JSON");
    until_async("the rules are changed, and the task runs", async || {
        let plan = app.get("/v1/ranges/lab/plan", 200).await;
        let states = plan["steps"].as_array().expect("steps").clone();
        let state =
            |kind: &str| states.iter().find(|step| step["kind"] == kind).map(|step| step["state"].clone());
        state("rules.ensure") == Some(json!("done")) && state("playbook") == Some(json!("started"))
    })
    .await;
    assert!(rules(&app, &range.id).contains("8080"));
    let job = change["job"]["id"].as_str().expect("an ID");
    app.post(&format!("/v1/jobs/{job}/cancel"), &json!({}), 202).await;
    let job = app.get(&format!("/v1/jobs/{job}?wait={}", WAIT_LIMIT.as_secs()), 200).await;
    assert_eq!((&job["state"], &job["range"]["left"]), (&json!("canceled"), &json!([])), "{job:#}");
    assert_eq!(rules(&app, &range.id), before);
    assert_eq!(jobs(&app, "range_undo").await.len(), 1);

    // The same, and the task fails.
    document["tasks"] = json!([{"name": "last", "playbook": "fails", "on": "gw"}]);
    let path = format!("/v1/ranges/lab?wait={}", WAIT_LIMIT.as_secs());
    let change: Value = app.send(Method::PUT, &path, Some(&document)).await.json().await.expect("JSON");
    let job = &change["job"];
    assert_eq!((&job["state"], &job["range"]["left"]), (&json!("failed"), &json!([])), "{job:#}");
    assert!(job["reason"]["message"].as_str().expect("a text").contains("it has to"), "{job:#}");
    assert_eq!(rules(&app, &range.id), before);
    let undone = jobs(&app, "range_undo").await;
    assert_eq!(undone[0]["parent"], job["id"], "a child of a job that isn't being canceled: {undone:#?}");
    range.destroy().await;
}
