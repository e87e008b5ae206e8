//! The API of the Local Deployments Orchestrator: its requests, statuses, and texts, and not its defects.

use reqwest::{Client, Method};
use serde_json::{Value, json};
use testkit::{TestApp, until_async};

use super::ranges::{service, setup};

const ID: &str = "00000000-0000-4000-8000-000000000001";

fn node(id: &str, role: &str) -> Value {
    json!({
        "id": id, "label": format!("Node {id}"), "template_id": 100, "role": role,
        "resources": {"cores": 1, "memory": 512}, "position": {"x": 10, "y": 20},
    })
}

fn link(source: &str, target: &str) -> Value {
    json!({"source": source, "target": target, "connection_type": "vlan_bridge"})
}

/// A main jumpbox, a local one behind it, and a service behind that one.
fn graph() -> Value {
    json!({
        "range_metadata": {"id": ID, "name": "Demo", "created_by": "ann"},
        "nodes": [node("j", "jumpbox_main"), node("l", "jumpbox_local"), node("s", "service")],
        "links": [link("j", "l"), link("l", "s")],
    })
}

async fn call(app: &TestApp, method: Method, path: &str, body: &Value, status: u16) -> Value {
    let request = Client::new().request(method, format!("{}{path}", app.address()));
    let request = request.header("content-type", "application/json").body(body.to_string());
    let response = request.send().await.expect("the service replies");
    let found = response.status();
    let text = response.text().await.expect("text");
    assert_eq!(found, status, "{text}");
    serde_json::from_str(&text).expect("JSON")
}

/// Sends a graph, which must be accepted.
async fn posted(app: &TestApp, graph: &Value) {
    let reply = call(app, Method::POST, "/api/v1/range", graph, 200).await;
    let id = &graph["range_metadata"]["id"];
    let wanted = json!({"range_id": id, "status": "accepted", "message": "Reconciliation task started."});
    assert_eq!(reply, wanted);
}

async fn until_running(app: &TestApp, id: &str) -> Value {
    let path = format!("/api/v1/range/{id}");
    until_async("the range is running", || async { app.get(&path, 200).await["status"] == "running" }).await;
    app.get(&path, 200).await
}

async fn deleted(app: &TestApp, id: &str) {
    let path = format!("/api/v1/range/{id}");
    let reply = call(app, Method::DELETE, &path, &Value::Null, 200).await;
    assert_eq!(reply, json!({"range_id": id, "status": "deleted"}));
}

/// The names of the machines that exist.
async fn machines(app: &TestApp, id: &str) -> Vec<String> {
    let reply = app.get(&format!("/v1/ranges/ldo-{id}/machines"), 200).await;
    let names = reply["items"].as_array().expect("items").iter();
    names.map(|item| item["name"].as_str().expect("a name").to_owned()).collect()
}

#[tokio::test]
async fn a_graph_becomes_a_range_that_is_listed_as_it_was_sent_and_deleted() {
    let app = service();
    let online = app.get("/", 200).await;
    assert_eq!(online, json!({"message": "Cyber Range API is Online", "mode": "Mock"}));
    assert_eq!(app.get("/api/v1/ranges", 200).await, json!([]));
    posted(&app, &graph()).await;
    let found = until_running(&app, ID).await;
    let sent = graph();
    let wanted = json!({
        "metadata": sent["range_metadata"], "nodes": sent["nodes"], "links": sent["links"], "status": "running",
    });
    assert_eq!(found, wanted);
    assert_eq!(app.get("/api/v1/ranges", 200).await, json!([wanted]));
    assert_eq!(machines(&app, ID).await, ["node-j", "node-l", "node-s"]);
    deleted(&app, ID).await;
    assert_eq!(app.get("/api/v1/ranges", 200).await, json!([]));
    let gone = app.get(&format!("/api/v1/range/{ID}"), 404).await;
    assert_eq!(gone, json!({"detail": "Range not found"}));
    let gone = call(&app, Method::DELETE, &format!("/api/v1/range/{ID}"), &Value::Null, 404).await;
    assert_eq!(gone, json!({"detail": "Range not found"}));
}

#[tokio::test]
async fn the_same_graph_again_starts_nothing_and_one_node_less_deletes_one_machine() {
    let app = service();
    posted(&app, &graph()).await;
    until_running(&app, ID).await;
    let jobs = app.get("/v1/jobs", 200).await["items"].as_array().map(Vec::len);
    posted(&app, &graph()).await;
    assert_eq!(
        app.get("/v1/jobs", 200).await["items"].as_array().map(Vec::len),
        jobs,
        "there is nothing to do"
    );
    let mut smaller = graph();
    smaller["nodes"] = json!([node("j", "jumpbox_main"), node("l", "jumpbox_local")]);
    smaller["links"] = json!([link("j", "l")]);
    posted(&app, &smaller).await;
    until_running(&app, ID).await;
    let plan = app.get(&format!("/v1/ranges/ldo-{ID}/plan"), 200).await;
    let removed: Vec<&Value> = plan["steps"]
        .as_array()
        .expect("steps")
        .iter()
        .filter(|step| step["kind"] == "machine.remove")
        .map(|step| &step["name"])
        .collect();
    assert_eq!(removed, ["node-s"], "{plan:#}");
    assert_eq!(machines(&app, ID).await, ["node-j", "node-l"]);
    deleted(&app, ID).await;
}

#[tokio::test]
async fn two_ranges_share_no_network() {
    let app = service();
    let other_id = "00000000-0000-4000-8000-000000000002";
    let mut other = graph();
    other["range_metadata"]["id"] = json!(other_id);
    posted(&app, &graph()).await;
    posted(&app, &other).await;
    let mut subnets = Vec::new();
    for id in [ID, other_id] {
        until_running(&app, id).await;
        let networks = app.get(&format!("/v1/ranges/ldo-{id}/networks"), 200).await;
        let items = networks["items"].as_array().expect("items").iter();
        subnets.extend(items.map(|network| network["cidr"].as_str().expect("a subnet").to_owned()));
    }
    assert_eq!(subnets.len(), 4);
    subnets.sort();
    subnets.dedup();
    assert_eq!(subnets.len(), 4, "{subnets:?}");
    deleted(&app, ID).await;
    assert_eq!(app.get(&format!("/api/v1/range/{other_id}"), 200).await["status"], "running");
    deleted(&app, other_id).await;
}

#[tokio::test]
async fn topologies_that_are_no_tree_are_rejected_in_the_words_of_the_orchestrator() {
    const TEXT: &str = "Invalid topology: No Master Jumpbox found or graph is disconnected.";
    let app = service();
    let jumpbox = || node("j", "jumpbox_main");
    for (what, nodes, links, code) in [
        ("empty", json!([]), json!([]), "empty"),
        ("no jumpbox", json!([node("a", "service")]), json!([]), "no_main_jumpbox"),
        ("disconnected", json!([jumpbox(), node("a", "service")]), json!([]), "disconnected"),
        ("self-link", json!([jumpbox()]), json!([link("j", "j")]), "self_link"),
        (
            "cycle",
            json!([jumpbox(), node("a", "service"), node("b", "service")]),
            json!([link("j", "a"), link("a", "b"), link("b", "j")]),
            "cycle",
        ),
    ] {
        let body = json!({"range_metadata": {"id": ID, "name": "x"}, "nodes": nodes, "links": links});
        let reply = call(&app, Method::POST, "/api/v1/range", &body, 400).await;
        assert_eq!(reply["detail"], TEXT, "{what}");
        let codes: Vec<&Value> =
            reply["errors"].as_array().expect("errors").iter().map(|error| &error["code"]).collect();
        assert!(codes.contains(&&json!(code)), "{what}: {reply:#}");
    }
    assert_eq!(app.get("/api/v1/ranges", 200).await, json!([]));
}

#[tokio::test]
async fn what_the_orchestrator_accepted_by_mistake_is_rejected_with_the_ids() {
    let app = service();
    let (jumpbox, service_node) = (node("j", "jumpbox_main"), node("a", "service"));
    for (nodes, links, code, ids) in [
        (
            json!([jumpbox, node("k", "jumpbox_main")]),
            json!([link("j", "k")]),
            "several_main_jumpboxes",
            json!(["j", "k"]),
        ),
        (json!([jumpbox]), json!([link("j", "ghost")]), "unknown_node", json!(["ghost"])),
        (
            json!([jumpbox, service_node]),
            json!([link("j", "a"), link("a", "j")]),
            "duplicate_link",
            json!(["a", "j"]),
        ),
        (
            json!([jumpbox, service_node, service_node]),
            json!([link("j", "a")]),
            "duplicate_node",
            json!(["a"]),
        ),
    ] {
        let body = json!({"range_metadata": {"id": ID, "name": "x"}, "nodes": nodes, "links": links});
        let reply = call(&app, Method::POST, "/api/v1/range", &body, 400).await;
        let errors = reply["errors"].as_array().expect("errors");
        let error = errors.iter().find(|error| error["code"] == code);
        assert_eq!(error.map(|error| &error["ids"]), Some(&ids), "{reply:#}");
        assert!(
            reply["detail"].as_str().is_some_and(|detail| detail.starts_with("Invalid topology: ")),
            "{reply:#}"
        );
    }
}

#[tokio::test]
async fn invalid_fields_and_ids_are_422_with_their_places() {
    let app = service();
    let body = json!({"range_metadata": {"id": "x", "name": "x"}, "nodes": [{"id": "j", "role": "boss"}], "links": []});
    let reply = call(&app, Method::POST, "/api/v1/range", &body, 422).await;
    let places: Vec<&Value> =
        reply["detail"].as_array().expect("faults").iter().map(|fault| &fault["loc"]).collect();
    for place in [
        json!(["body", "range_metadata", "id"]),
        json!(["body", "nodes", 0, "label"]),
        json!(["body", "nodes", 0, "role"]),
    ] {
        assert!(places.contains(&&place), "{place}: {reply:#}");
    }
    for method in [Method::GET, Method::DELETE] {
        let reply = call(&app, method, "/api/v1/range/none", &Value::Null, 422).await;
        assert_eq!(reply["detail"][0]["loc"], json!(["path", "range_id"]), "{reply:#}");
    }
    call(&app, Method::POST, "/api/v1/range", &Value::Null, 422).await;
    let wrong = call(&app, Method::PUT, "/api/v1/range", &Value::Null, 405).await;
    assert_eq!(wrong, json!({"detail": "Method Not Allowed"}));
}

#[tokio::test]
async fn a_range_that_is_being_created_can_be_deleted() {
    let app = service();
    posted(&app, &graph()).await;
    deleted(&app, ID).await;
    assert_eq!(app.get("/api/v1/ranges", 200).await, json!([]));
    posted(&app, &graph()).await;
    until_running(&app, ID).await;
    deleted(&app, ID).await;
}

#[tokio::test]
async fn a_setting_disables_the_api() {
    let app = setup().set("RANGEHAND__RANGES__LDO_ENABLED", "false").start();
    for path in ["/", "/api/v1/ranges", &format!("/api/v1/range/{ID}")] {
        assert_eq!(app.get(path, 404).await, json!({"detail": "Not Found"}));
    }
    call(&app, Method::POST, "/api/v1/range", &graph(), 404).await;
}
