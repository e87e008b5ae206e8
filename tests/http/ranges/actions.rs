//! Actions on ranges, drift, and plans that fail.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::TestApp;

use super::{call, created, destroyed, lab, service, setup, waiting};

/// Carries out an action, whose job must succeed; returns the change.
async fn act(app: &TestApp, action: &str, body: &Value) -> Value {
    let path = waiting(&format!("/v1/ranges/lab/actions/{action}"));
    let change = call(app, Method::POST, &path, body, 200).await;
    let state = &change["job"]["state"];
    assert!(state.is_null() || state == "succeeded", "{action}: {change:#}");
    change
}

/// The stage of each machine, in the order of their names: db, gw, web.
async fn stages(app: &TestApp) -> Vec<String> {
    let machines = app.get("/v1/ranges/lab/machines", 200).await;
    let items = machines["items"].as_array().expect("items").iter();
    items.map(|machine| machine["stage"].as_str().expect("a stage").to_owned()).collect()
}

#[tokio::test]
async fn machines_are_stopped_and_started_all_or_some() {
    let app = service();
    created(&app, &lab()).await;
    act(&app, "stop", &json!({"machines": ["db"]})).await;
    assert_eq!(stages(&app).await, ["created", "ready", "ready"]);
    act(&app, "stop", &json!({})).await;
    assert_eq!(stages(&app).await, ["created", "created", "created"]);
    act(&app, "start", &Value::Null).await;
    assert_eq!(stages(&app).await, ["ready", "ready", "ready"]);
    let again = act(&app, "start", &json!({})).await;
    assert_eq!(again["job"], Value::Null, "there is nothing to do: {again:#}");
    for (body, field) in [
        (json!({"machines": "db"}), "machines"),
        (json!({"instance": "a", "machines": ["db"]}), "machines"),
        (json!({"machine": ["db"]}), "machine"),
    ] {
        let problem = call(&app, Method::POST, "/v1/ranges/lab/actions/stop", &body, 422).await;
        assert_eq!(problem["errors"][0]["field"], field, "{problem:#}");
    }
    destroyed(&app, "lab").await;
}

#[tokio::test]
async fn a_snapshot_is_taken_reverted_to_and_removed() {
    let app = service();
    created(&app, &lab()).await;
    let snapshots = async || app.get("/v1/ranges/lab/machines", 200).await["items"][0]["snapshots"].clone();
    act(&app, "snapshot", &json!({"name": "clean"})).await;
    assert_eq!(snapshots().await, json!(["clean"]));
    act(&app, "revert", &json!({"name": "clean"})).await;
    assert_eq!(stages(&app).await, ["ready", "ready", "ready"]);
    act(&app, "remove-snapshot", &json!({"name": "clean"})).await;
    assert_eq!(snapshots().await, json!([]));
    let problem =
        call(&app, Method::POST, "/v1/ranges/lab/actions/revert", &json!({"name": "none"}), 409).await;
    assert_eq!(problem["code"], "wrong_state", "{problem:#}");
    for body in [json!({}), json!({"name": "a b"}), json!({"name": 7})] {
        let problem = call(&app, Method::POST, "/v1/ranges/lab/actions/snapshot", &body, 422).await;
        assert_eq!(problem["errors"][0]["field"], "name", "{problem:#}");
    }
    destroyed(&app, "lab").await;
}

#[tokio::test]
async fn a_range_without_drift_needs_no_repair() {
    let app = service();
    created(&app, &lab()).await;
    assert_eq!(app.get("/v1/ranges/lab/drift", 200).await["items"], json!([]));
    assert_eq!(act(&app, "repair", &json!({})).await["job"], Value::Null);
    destroyed(&app, "lab").await;
}

#[tokio::test]
async fn the_lifetime_is_extended_set_and_removed() {
    let app = service();
    let mut document = lab();
    document["ttl"] = json!("8h");
    let range = created(&app, &document).await["range"].clone();
    let end = range["expires_at"].as_str().expect("a time").to_owned();
    let later = act(&app, "extend", &json!({"by": "2h"})).await["range"]["expires_at"].clone();
    assert!(later.as_str().expect("a time") > end.as_str(), "{later} {end}");
    let set = act(&app, "extend", &json!({"until": "2100-01-01T00:00:00Z"})).await;
    assert_eq!(set["range"]["expires_at"], "2100-01-01T00:00:00.000Z");
    assert_eq!(act(&app, "extend", &json!({"until": null})).await["range"]["expires_at"], Value::Null);
    for (body, field) in [
        (json!({}), "by"),
        (json!({"by": "soon"}), "by"),
        (json!({"by": "2h", "until": null}), "until"),
        (json!({"until": "tomorrow"}), "until"),
    ] {
        let problem = call(&app, Method::POST, "/v1/ranges/lab/actions/extend", &body, 422).await;
        assert_eq!(problem["errors"][0]["field"], field, "{problem:#}");
    }
    destroyed(&app, "lab").await;
}

#[tokio::test]
async fn a_plan_that_failed_and_was_kept_is_resumed() {
    let faults = json!([{"call": "power", "times": 1, "effect": {"refuse": "no memory"}}]);
    let app = setup().set("RANGEHAND__PLATFORMS__SIMULATED__FAULTS", faults.to_string()).start();
    let mut document = lab();
    document["on_failure"] = json!("keep");
    let change = call(&app, Method::POST, &waiting("/v1/ranges"), &document, 200).await;
    assert_eq!(
        (&change["job"]["state"], &change["range"]["state"]),
        (&json!("failed"), &json!("incomplete")),
        "{change:#}"
    );
    assert_eq!(change["job"]["reason"]["code"], "plan_failed", "{change:#}");
    let plan = app.get("/v1/ranges/lab/plan", 200).await;
    let failed = plan["steps"].as_array().expect("steps").iter().find(|step| step["state"] == "failed");
    assert!(
        failed.is_some_and(|step| step["kind"] == "machine.start" && step["why"].is_string()),
        "{plan:#}"
    );
    let resumed = act(&app, "resume", &json!({})).await;
    assert_eq!(resumed["job"]["request"]["goal"], "resume", "{resumed:#}");
    assert_eq!(resumed["range"]["state"], "ready", "{resumed:#}");
    let problem = call(&app, Method::POST, "/v1/ranges/lab/actions/resume", &json!({}), 409).await;
    assert_eq!(problem["code"], "wrong_state", "{problem:#}");
    destroyed(&app, "lab").await;
}

#[tokio::test]
async fn a_range_that_is_changing_names_the_job_that_is_in_the_way() {
    let app = testkit::Setup::without_ansible()
        .set("RANGEHAND__PLATFORMS__SIMULATED__LATENCIES", "all_ms=500")
        .start();
    let change = call(&app, Method::POST, "/v1/ranges", &lab(), 202).await;
    assert_eq!(change["range"]["state"], "changing");
    let mut other = lab();
    other["machines"]["db"]["memory_mb"] = json!(1024);
    let problem = call(&app, Method::PUT, "/v1/ranges/lab?confirm=*", &other, 409).await;
    assert_eq!(
        (&problem["code"], &problem["job"]),
        (&json!("range_busy"), &change["job"]["id"]),
        "{problem:#}"
    );
    let graph = app.get("/v1/ranges/lab/graph", 200).await;
    let states: Vec<&Value> =
        graph["nodes"].as_array().expect("nodes").iter().map(|node| &node["state"]).collect();
    assert!(states.contains(&&json!("planned")) || states.contains(&&json!("changing")), "{graph:#}");
    app.job(&change["job"]).until_state("succeeded").await;
    destroyed(&app, "lab").await;
}

#[tokio::test]
async fn a_rollback_undoes_the_last_plan_and_nothing_else() {
    let app = service();
    let mut smaller = lab();
    smaller["machines"].as_object_mut().expect("machines").shift_remove("db");
    created(&app, &smaller).await;
    let change = call(&app, Method::PUT, &waiting("/v1/ranges/lab"), &lab(), 200).await;
    assert_eq!(change["job"]["state"], "succeeded", "{change:#}");
    let names = async || {
        let machines = app.get("/v1/ranges/lab/machines", 200).await;
        let items = machines["items"].as_array().expect("items").iter();
        items.map(|machine| machine["name"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names().await, ["db", "gw", "web"]);
    let rolled_back =
        call(&app, Method::POST, &waiting("/v1/ranges/lab/actions/rollback"), &json!({}), 200).await;
    let job = &rolled_back["job"];
    assert_eq!(
        (&job["request"]["goal"], &job["state"]),
        (&json!("rollback"), &json!("succeeded")),
        "{job:#}"
    );
    assert_eq!(rolled_back["job"]["range"]["left"], json!([]), "{rolled_back:#}");
    assert_eq!(names().await, ["gw", "web"], "what the plan before created stays");
    let plan = call(&app, Method::POST, "/v1/ranges/lab/plan", &lab(), 200).await;
    let of_db = |step: &Value| step["name"] == "db";
    assert!(
        plan["steps"].as_array().is_some_and(|steps| !steps.is_empty() && steps.iter().any(of_db)),
        "{plan:#}"
    );
    destroyed(&app, "lab").await;
}
