//! Replies match the schemas, and requests that match are accepted.

use std::collections::BTreeSet;

use reqwest::{Method, Response};
use serde_json::{Value, json};
use testkit::TestApp;

use super::{schemas::Document, stub};

/// Sends a request and checks the reply. Returns it.
async fn checked(
    app: &TestApp,
    document: &Document,
    operation: (&str, &str),
    path: &str,
    body: Option<&Value>,
) -> Value {
    let method: Method = operation.0.parse().expect("a method");
    let (status, media, reply) = taken(app.send(method, path, body).await).await;
    document.check(operation, status, &media, &reply);
    reply
}

async fn taken(response: Response) -> (u16, String, Value) {
    let status = response.status().as_u16();
    let media = response.headers()["content-type"].to_str().expect("text").to_owned();
    (status, media, response.json().await.expect("JSON"))
}

#[tokio::test]
async fn replies_of_v1_are_what_the_schemas_say() {
    let (app, document) = (TestApp::new(), Document::new());
    let bundle = |name: &str| {
        json!({
            "bundle": name, "limit": "localhost", "labels": {"team": "red"}, "resources": ["vm:pve1/1000"],
            "priority": 5, "tags": ["a", "all"], "extra_vars": {"x": 1}, "forks": 2, "timeout_s": 100,
            "retry": {"on": ["lost"], "max_attempts": 2},
        })
    };
    let submit = ("POST", "/v1/jobs");
    let job =
        checked(&app, &document, submit, "/v1/jobs?wait=100", Some(&json!({"bundle": "failing"}))).await;
    assert_eq!(job["state"], "failed", "{job:#}");
    let failed = job["id"].as_str().expect("an id").to_owned();
    let job = checked(&app, &document, submit, "/v1/jobs?wait=100", Some(&bundle("ping"))).await;
    let id = job["id"].as_str().expect("an id").to_owned();
    checked(&app, &document, submit, "/v1/jobs", Some(&json!({"bundel": "ping"}))).await;
    checked(&app, &document, submit, "/v1/jobs", Some(&json!({"bundle": "../ping"}))).await;
    checked(&app, &document, submit, "/v1/jobs", Some(&json!({"bundle": "nowhere"}))).await;
    for (path, query) in [
        ("/v1/jobs", ""),
        ("/v1/jobs", "?before=01a1f8b8-02b5-76ad-8dce-93e1f081d6e3"),
        ("/v1/jobs", "?limit=x"),
        ("/v1/jobs/{id}", ""),
        ("/v1/jobs/{id}/result", ""),
        ("/v1/jobs/{id}/events", ""),
        ("/v1/jobs/{id}/events", "?limit=2"),
        ("/v1/jobs/{id}/timing", ""),
        ("/v1/events", "?limit=1000"),
        ("/v1/queue", ""),
        ("/v1/background-tasks", ""),
        ("/readyz", ""),
        ("/healthz", ""),
    ] {
        for id in [&id, &failed, "absent"] {
            checked(&app, &document, ("GET", path), &(path.replace("{id}", id) + query), None).await;
        }
    }
    for kind in ["playbooks", "bundles", "scenarios", "inventories"] {
        let list = format!("/v1/catalog/{kind}");
        let found = checked(&app, &document, ("GET", &list), &list, None).await;
        let name = found["items"][0]["name"].as_str().expect("there is one").to_owned();
        let one = format!("{list}/{{name}}");
        for name in [name.as_str(), "nowhere", "a..b"] {
            checked(&app, &document, ("GET", &one), &format!("{list}/{name}"), None).await;
        }
    }
    for (verb, query, id) in [
        ("resume", "?dry_run=true", &failed),
        ("resume", "", &id),
        ("cancel", "", &id),
        ("retry", "?wait=100", &id),
        ("resume", "?wait=100", &failed),
    ] {
        let operation = format!("/v1/jobs/{{id}}/{verb}");
        checked(&app, &document, ("POST", &operation), &(operation.replace("{id}", id) + query), None).await;
    }
}

#[tokio::test]
async fn a_running_and_a_waiting_job_are_shown_as_the_schemas_say() {
    let (app, document) =
        (super::stub().set("RANGEHAND__RUNS__MAX_CONCURRENT", "1").start(), Document::new());
    let journal = app.home().join("journal");
    let slow = json!({"bundle": "ping", "resources": ["vm:a"], "extra_vars": {
        "mode": "marks", "journal": journal, "name": "slow", "seconds": 60,
    }});
    let job = checked(&app, &document, ("POST", "/v1/jobs"), "/v1/jobs", Some(&slow)).await;
    app.job(&job).until_state("running").await;
    let waits = checked(&app, &document, ("POST", "/v1/jobs"), "/v1/jobs", Some(&slow)).await;
    for job in [&job, &waits] {
        let path = format!("/v1/jobs/{}", job["id"].as_str().expect("an id"));
        checked(&app, &document, ("GET", "/v1/jobs/{id}"), &path, None).await;
    }
    let queue = checked(&app, &document, ("GET", "/v1/queue"), "/v1/queue", None).await;
    assert_eq!(queue["queued"].as_array().map(Vec::len), Some(1), "{queue:#}");
    for job in [&waits, &job] {
        app.job(job).cancel().await;
    }
}

#[tokio::test]
async fn replies_of_v0_are_what_the_schemas_say() {
    let (app, document) = (stub().start(), Document::new());
    let start = "/v0/admin/proxmox/vms/vm_id/start";
    let delete = "/v0/admin/proxmox/vms/vm_id/delete";
    let run = "/v0/admin/run/bundles/{name}/run";
    let good = json!({"proxmox_node": "pve01", "vm_id": 1000});
    for (method, operation, path, body) in [
        ("POST", start, start, Some(good.clone())),
        ("POST", start, start, Some(json!({"proxmox_node": "pve01", "vm_id": "1000", "as_json": false}))),
        ("POST", start, start, Some(json!({"proxmox_node": 7}))),
        ("POST", start, start, None),
        ("DELETE", delete, delete, Some(good)),
        ("DELETE", delete, delete, Some(json!({"proxmox_node": "pve01", "vm_id": "17"}))),
        ("POST", run, "/v0/admin/run/bundles/ping/run", Some(json!({"proxmox_node": "", "hosts": null}))),
        ("POST", run, "/v0/admin/run/bundles/nowhere/run", Some(json!({"proxmox_node": "", "hosts": null}))),
        ("POST", run, "/v0/admin/run/bundles/a..b/run", Some(json!({"proxmox_node": "", "hosts": null}))),
        ("POST", "/v0/admin/debug/func_test", "/v0/admin/debug/func_test", None),
    ] {
        checked(&app, &document, (method, operation), path, body.as_ref()).await;
    }
}

#[tokio::test]
async fn parameters_and_fields_are_those_that_the_service_knows() {
    let (app, document) = (TestApp::new(), Document::new());
    let job = app.run(&json!({"bundle": "ping", "limit": "localhost"})).await;
    let id = job["id"].as_str().expect("an id");
    let mut looked_at = 0;
    for (method, path) in document.operations("/v1/") {
        // The catalog has no parameters and ignores all.
        if path.starts_with("/v1/catalog") {
            continue;
        }
        let asked = format!("{}?no_such_parameter=1", path.replace("{id}", id));
        let response = app.send(method.parse().expect("a method"), &asked, None).await;
        let (status, _, problem) = taken(response).await;
        assert_eq!(status, 422, "{method} {path}");
        let message = problem["errors"][0]["message"].as_str().expect("a message");
        let known = message.split_once("the parameters are ").map_or("", |(_, known)| known);
        let known: BTreeSet<_> =
            known.split(", ").filter(|name| !name.is_empty()).map(str::to_owned).collect();
        let documented: BTreeSet<_> = document.parameters(&method, &path, "query").into_iter().collect();
        assert_eq!(documented, known, "{method} {path}");
        looked_at += 1;
    }
    assert!(looked_at > 10, "the document has fewer operations than it should");
    let (_, _, problem) =
        taken(app.send(Method::POST, "/v1/jobs", Some(&json!({"zzzzzz": 1, "bundle": "ping"}))).await).await;
    let message = problem["errors"][0]["message"].as_str().expect("a message");
    let known: Vec<_> = message.split_once("the fields are ").expect("fields").1.split(", ").collect();
    assert_eq!(document.members("NewJob"), known);
}
