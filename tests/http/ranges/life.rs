//! Creating, changing, and destroying ranges.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::TestApp;

use super::{call, created, destroyed, lab, send, service, setup, waiting};

#[tokio::test]
async fn a_document_becomes_machines_and_networks_and_nothing_again() {
    let app = service();
    let change = created(&app, &lab()).await;
    assert_eq!(change["plan"], json!({"create": 5, "update": 0, "replace": 0, "delete": 0, "run": 0}));
    let range = app.get("/v1/ranges/lab", 200).await;
    assert_eq!((&range["machines"], &range["networks"]), (&json!(3), &json!(2)), "{range:#}");
    assert_eq!((&range["description"], &range["document"]), (&json!("two networks"), &lab()));
    let by_id = app.get(&format!("/v1/ranges/{}", range["id"].as_str().expect("an id")), 200).await;
    assert_eq!(by_id, range);
    let list = app.get("/v1/ranges", 200).await;
    assert_eq!((&list["items"][0]["name"], &list["items"][0]["document"]), (&json!("lab"), &Value::Null));

    destroyed(&app, "lab").await;
    let again = created(&app, &lab()).await;
    assert_ne!(again["range"]["id"], range["id"], "the name is free again");
    destroyed(&app, "lab").await;
}

#[tokio::test]
async fn a_change_is_accepted_with_the_addresses_of_its_job_and_its_range() {
    let app = service();
    let response = send(&app, Method::POST, "/v1/ranges", "application/json", lab().to_string()).await;
    assert_eq!(response.status(), StatusCode::ACCEPTED);
    let header = |name: &str| response.headers()[name].to_str().expect("text").to_owned();
    let (job, range) = (header("location"), header("content-location"));
    assert_eq!(range, "/v1/ranges/lab");
    let job = app.get(&format!("{job}?wait=60"), 200).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    let request = &job["request"];
    assert_eq!((&request["range"], &request["goal"]), (&json!("lab"), &json!("apply")), "{job:#}");
    assert_eq!(app.get(&range, 200).await["plan"], request["plan"]);
    destroyed(&app, "lab").await;
}

#[tokio::test]
async fn the_same_document_twice_is_nothing_to_do() {
    let app = service();
    created(&app, &lab()).await;
    let again = call(&app, Method::PUT, "/v1/ranges/lab", &lab(), 200).await;
    assert_eq!((&again["job"], &again["plan"]["create"]), (&Value::Null, &json!(0)), "{again:#}");
    let plan = call(&app, Method::POST, "/v1/ranges/lab/plan", &lab(), 200).await;
    assert_eq!(plan["steps"], json!([]));
    destroyed(&app, "lab").await;
}

#[tokio::test]
async fn a_dry_run_is_the_plan_of_the_apply_and_stores_nothing() {
    let app = service();
    let plan = call(&app, Method::POST, "/v1/ranges?dry_run=true", &lab(), 200).await;
    assert_eq!(plan["after"]["machines"], 3, "{plan:#}");
    assert_eq!(app.get("/v1/ranges", 200).await["items"], json!([]));
    created(&app, &lab()).await;
    let last = app.get("/v1/ranges/lab/plan", 200).await;
    assert_eq!((&last["digest"], &last["phase"]), (&plan["digest"], &json!("ended")));
    let steps = |plan: &Value| {
        let steps = plan["steps"].as_array().expect("steps").iter();
        steps.map(|step| (step["kind"].clone(), step["name"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(steps(&last), steps(&plan));
    let states = last["steps"].as_array().expect("steps").iter();
    assert!(states.clone().all(|step| step["state"] == "done"), "{last:#}");
    let shown = call(&app, Method::DELETE, "/v1/ranges/lab?dry_run=true", &Value::Null, 200).await;
    assert_eq!(shown["destroyed"].as_array().map(Vec::len), Some(5), "{shown:#}");
    assert_eq!(app.get("/v1/ranges/lab", 200).await["state"], "ready");
    destroyed(&app, "lab").await;
}

/// The lab without its database.
fn smaller() -> Value {
    let mut document = lab();
    document["machines"].as_object_mut().expect("machines").shift_remove("db");
    document
}

#[tokio::test]
async fn a_second_range_is_planned_with_the_times_of_the_first_one() {
    let app = setup().set("RANGEHAND__PLATFORMS__SIMULATED__LATENCIES", "all_ms=0,machine_ms=200").start();
    let document = lab();
    let planned = || call(&app, Method::POST, "/v1/ranges?dry_run=true", &document, 200);
    let estimates = |plan: &Value, kind: &str| {
        let steps = plan["steps"].as_array().expect("steps").iter();
        let of_kind = steps.filter(|step| step["kind"] == kind).map(|step| step["estimate"].clone());
        of_kind.collect::<Vec<_>>()
    };
    let first = planned().await;
    let usual = json!({"ms": 200, "source": "platform"});
    assert_eq!(estimates(&first, "machine.ensure"), vec![usual; 3], "{first:#}");
    created(&app, &document).await;
    let carried_out = app.get("/v1/ranges/lab/plan", 200).await;
    let steps = carried_out["steps"].as_array().expect("steps").iter();
    let took =
        steps.filter(|step| step["kind"] == "machine.ensure").filter_map(|step| step["took_ms"].as_u64());
    let mut took: Vec<u64> = took.collect();
    took.sort_unstable();
    destroyed(&app, "lab").await;

    let second = planned().await;
    let median = json!({"ms": took[1], "source": "history"});
    assert_eq!(estimates(&second, "machine.ensure"), vec![median; 3], "{second:#}");
    assert_eq!(second["digest"], first["digest"], "estimates change no plan");
    assert!(second["duration_ms"].as_u64() >= Some(2 * took[1]), "`web` needs `gw`: {second:#}");
    created(&app, &lab()).await;
    let shown = call(&app, Method::DELETE, "/v1/ranges/lab?dry_run=true", &Value::Null, 200).await;
    assert_eq!(estimates(&shown, "machine.remove")[0]["source"], "history", "{shown:#}");
    destroyed(&app, "lab").await;
}

#[tokio::test]
async fn what_a_plan_destroys_is_confirmed_by_its_name() {
    let app = service();
    created(&app, &lab()).await;
    let problem = call(&app, Method::PUT, "/v1/ranges/lab", &smaller(), 409).await;
    assert_eq!((&problem["code"], &problem["names"]), (&json!("confirmation_required"), &json!(["db"])));
    let request = json!({"document": smaller(), "confirm": ["db"]});
    let change = call(&app, Method::PUT, &waiting("/v1/ranges/lab"), &request, 200).await;
    assert_eq!(
        (&change["plan"]["delete"], &change["range"]["machines"]),
        (&json!(1), &json!(2)),
        "{change:#}"
    );
    created_again(&app).await;
    let change = call(&app, Method::PUT, &waiting("/v1/ranges/lab?confirm=web,db"), &smaller(), 200).await;
    assert_eq!(change["range"]["machines"], 2, "{change:#}");
    destroyed(&app, "lab").await;
}

async fn created_again(app: &TestApp) {
    let change = call(app, Method::PUT, &waiting("/v1/ranges/lab"), &lab(), 200).await;
    assert_eq!(change["plan"]["create"], 1, "{change:#}");
}

#[tokio::test]
async fn an_apply_with_a_digest_is_refused_when_something_has_changed() {
    let app = service();
    let plan = call(&app, Method::POST, "/v1/ranges?dry_run=true", &lab(), 200).await;
    let mut other = lab();
    other["machines"]["db"]["memory_mb"] = json!(1024);
    let request = json!({"document": other, "digest": plan["digest"]});
    let problem = call(&app, Method::POST, "/v1/ranges", &request, 409).await;
    assert_eq!(problem["code"], "plan_changed", "{problem:#}");
    let request = json!({"document": lab(), "digest": plan["digest"]});
    call(&app, Method::POST, &waiting("/v1/ranges"), &request, 200).await;
    let problem = call(&app, Method::PUT, "/v1/ranges/lab", &request, 409).await;
    assert_eq!(problem["code"], "plan_changed", "the range exists now: {problem:#}");
    destroyed(&app, "lab").await;
}

#[tokio::test]
async fn a_name_is_used_once_and_does_not_change() {
    let app = service();
    created(&app, &lab()).await;
    let problem = call(&app, Method::POST, "/v1/ranges", &lab(), 409).await;
    assert_eq!(problem["code"], "range_exists", "{problem:#}");
    let mut renamed = lab();
    renamed["name"] = json!("other");
    let problem = call(&app, Method::PUT, "/v1/ranges/lab", &renamed, 409).await;
    assert_eq!(problem["code"], "wrong_state", "{problem:#}");
    destroyed(&app, "lab").await;
}

#[tokio::test]
async fn an_unknown_range_is_404_on_every_path() {
    let app = service();
    for path in ["", "/plan", "/machines", "/networks", "/reachability", "/graph"] {
        let problem = app.get(&format!("/v1/ranges/nowhere{path}"), 404).await;
        assert_eq!(problem["code"], "unknown_range", "{path}");
    }
    for action in ["start", "stop", "repair", "verify", "rollback", "resume"] {
        let path = format!("/v1/ranges/nowhere/actions/{action}");
        assert_eq!(call(&app, Method::POST, &path, &json!({}), 404).await["code"], "unknown_range");
    }
    call(&app, Method::PUT, "/v1/ranges/nowhere", &lab(), 404).await;
    call(&app, Method::DELETE, "/v1/ranges/nowhere", &Value::Null, 404).await;
    call(&app, Method::POST, "/v1/ranges/nowhere/plan", &lab(), 404).await;
}
