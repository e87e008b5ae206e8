//! Children: jobs that another job submitted as part of its work.
//!
//! Playbooks have no children, so the tests make some jobs the children of others in the database.

use serde_json::{Value, json};
use testkit::{Gate, Setup, TestApp, sql};

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
    let app = Setup::without_ansible().set("RANGEHAND__RUNS__MAX_CONCURRENT", "1").start();
    let gate = Gate::new(&app);
    let parent = app.submit(&waits_at(&gate)).await;
    parent.until_state("running").await;
    let first = app.submit(&json!({"bundle": "ping"})).await;
    let second = app.submit(&json!({"bundle": "failing", "extra_vars": {"fail": true}})).await;
    let other = app.submit(&json!({"bundle": "ping", "priority": -100})).await;
    for child in [&first, &second] {
        adopt(&app, &parent, child);
    }
    assert_eq!(children(&app, &parent).await, [second["id"].clone(), first["id"].clone()]);
    assert_eq!(children(&app, &other).await, [] as [Value; 0]);

    gate.open();
    let ended = parent.until_state("succeeded").await;
    assert_eq!(
        (&ended["parent"], &ended["submitted_by"]),
        (&Value::Null, &json!({"kind": "caller", "name": null}))
    );
    let first = first.until_state("succeeded").await;
    assert_eq!(first["parent"], parent["id"]);
    second.until_state("failed").await;
    other.until_state("succeeded").await;
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
    let app = Setup::without_ansible().set("RANGEHAND__RUNS__MAX_CONCURRENT", "2").start();
    let gate = Gate::new(&app);
    let parent = app.submit(&waits_at(&gate)).await;
    let child = app.submit(&waits_at(&gate)).await;
    for job in [&parent, &child] {
        job.until_state("running").await;
    }
    let grandchild = app.submit(&json!({"bundle": "ping"})).await;
    let other = app.submit(&json!({"bundle": "ping"})).await;
    adopt(&app, &parent, &child);
    adopt(&app, &child, &grandchild);

    app.post(&format!("/v1/jobs/{}/cancel", id(&parent)), &Value::Null, 202).await;
    for job in [&parent, &child, &grandchild] {
        job.until_state("canceled").await;
    }
    other.until_state("succeeded").await;
}
