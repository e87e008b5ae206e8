//! Children: what holds for a job that was submitted by another one as a part of its work.
//!
//! Playbooks have no children, so the tests make some jobs the children of others in the database.

use serde_json::{Value, json};

use crate::{
    app::{Gate, Setup, TestApp},
    database::sql,
};

fn id(job: &Value) -> &str {
    job["id"].as_str().expect("an id")
}

fn waits_at(gate: &Gate) -> Value {
    json!({"bundle": "gate", "extra_vars": {"gate": gate.path()}})
}

fn adopt(app: &TestApp, parent: &Value, child: &Value) {
    sql(app, &format!("UPDATE jobs SET parent = '{}' WHERE id = '{}'", id(parent), id(child)));
}

async fn children(app: &TestApp, parent: &Value) -> Vec<Value> {
    let page = app.get(&format!("/v1/jobs?parent={}", id(parent)), 200).await;
    page["items"].as_array().expect("a list").iter().map(|job| job["id"].clone()).collect()
}

#[tokio::test]
async fn a_job_ends_after_its_children_and_leaves_them_its_only_slot() {
    let app = Setup::new().set("RANGEHAND__RUNS__MAX_AT_ONCE", "1").start();
    let gate = Gate::new(&app);
    let parent = app.post("/v1/jobs", &waits_at(&gate), 202).await;
    app.until_state(&parent, "running").await;
    let first = app.post("/v1/jobs", &json!({"bundle": "ping"}), 202).await;
    let second = app.post("/v1/jobs", &json!({"bundle": "failing"}), 202).await;
    let other = app.post("/v1/jobs", &json!({"bundle": "ping", "priority": -100}), 202).await;
    for child in [&first, &second] {
        adopt(&app, &parent, child);
    }
    assert_eq!(children(&app, &parent).await, [second["id"].clone(), first["id"].clone()]);
    assert_eq!(children(&app, &other).await, [] as [Value; 0]);

    gate.open();
    let ended = app.until_state(&parent, "succeeded").await;
    assert_eq!(
        (&ended["parent"], &ended["submitted_by"]),
        (&Value::Null, &json!({"kind": "caller", "name": null}))
    );
    let first = app.until_state(&first, "succeeded").await;
    assert_eq!(first["parent"], parent["id"]);
    app.until_state(&second, "failed").await;
    app.until_state(&other, "succeeded").await;
    let events = app.get("/v1/events?kind=job_state&limit=100", 200).await;
    let ends: Vec<&str> = events["items"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|event| ["succeeded", "failed"].iter().any(|end| event["data"]["to"] == *end))
        .filter_map(|event| event["job_id"].as_str())
        .collect();
    let at = |job: &Value| ends.iter().position(|end| *end == id(job)).expect("it ended");
    assert!(at(&first) < at(&parent) && at(&second) < at(&parent), "{ends:?}");
}

#[tokio::test]
async fn a_canceled_job_takes_its_children_and_theirs_with_it() {
    let app = Setup::new().set("RANGEHAND__RUNS__MAX_AT_ONCE", "2").start();
    let gate = Gate::new(&app);
    let parent = app.post("/v1/jobs", &waits_at(&gate), 202).await;
    let child = app.post("/v1/jobs", &waits_at(&gate), 202).await;
    for job in [&parent, &child] {
        app.until_state(job, "running").await;
    }
    let grandchild = app.post("/v1/jobs", &json!({"bundle": "ping"}), 202).await;
    let other = app.post("/v1/jobs", &json!({"bundle": "ping"}), 202).await;
    adopt(&app, &parent, &child);
    adopt(&app, &child, &grandchild);

    app.post(&format!("/v1/jobs/{}/cancel", id(&parent)), &Value::Null, 202).await;
    for job in [&parent, &child, &grandchild] {
        app.until_state(job, "canceled").await;
    }
    app.until_state(&other, "succeeded").await;
}
