//! Bodies that are rejected: 422 with the recorded texts of the service that Rangehand replaces.

use reqwest::{Client, Response};
use serde_json::{Value, json};
use testkit::{TestApp, http};

use super::{PING, ROUTES, detail, post};

const NODE_PATTERN: &str = "^[A-Za-z0-9-]*$";
const HOSTS_PATTERN: &str = r"^[A-Za-z0-9\._-]+$";

fn missing(field: &str, input: Value) -> Value {
    json!({"field": field, "msg": "Field required", "type": "missing", "input": input, "ctx": null})
}

fn no_text(field: &str, input: Value) -> Value {
    json!({"field": field, "msg": "Input should be a valid string", "type": "string_type", "input": input, "ctx": null})
}

fn no_match(field: &str, pattern: &str, input: Value) -> Value {
    json!({
        "field": field, "msg": format!("String should match pattern '{pattern}'"),
        "type": "string_pattern_mismatch", "input": input, "ctx": {"pattern": pattern},
    })
}

fn no_bool(input: Value) -> Value {
    let message = "Input should be a valid boolean, unable to interpret input";
    json!({"field": "body.as_json", "msg": message, "type": "bool_parsing", "input": input, "ctx": null})
}

async fn assert_nothing_was_run(app: &TestApp) {
    assert_eq!(app.get("/v1/jobs", 200).await["items"], json!([]));
}

#[tokio::test]
async fn faults_are_reported_as_recorded() {
    let app = TestApp::new();
    let node = |value: Value| json!({"proxmox_node": value, "hosts": "localhost"});
    let hosts = |value: Value| json!({"proxmox_node": "px", "hosts": value});
    let as_json = |value: Value| json!({"proxmox_node": "px", "hosts": "localhost", "as_json": value});
    let bad_node = |value: &str| no_match("body.proxmox_node", NODE_PATTERN, json!(value));
    let bad_hosts = |value: &str| no_match("body.hosts", HOSTS_PATTERN, json!(value));
    let no_object = |value: Value| {
        let message = "Input should be a valid dictionary or object to extract fields from";
        json!({"field": "body", "msg": message, "type": "model_attributes_type", "input": value, "ctx": null})
    };
    let cases = [
        (json!({}), vec![missing("body.proxmox_node", json!({})), missing("body.hosts", json!({}))]),
        (json!({"proxmox_node": "px"}), vec![missing("body.hosts", json!({"proxmox_node": "px"}))]),
        (json!({"hosts": null}), vec![missing("body.proxmox_node", json!({"hosts": null}))]),
        (Value::Null, vec![missing("body", Value::Null)]),
        (json!([]), vec![no_object(json!([]))]),
        (json!("text"), vec![no_object(json!("text"))]),
        (node(Value::Null), vec![no_text("body.proxmox_node", Value::Null)]),
        (node(json!(["px"])), vec![no_text("body.proxmox_node", json!(["px"]))]),
        (node(json!(true)), vec![no_text("body.proxmox_node", json!(true))]),
        (node(json!("px_testing")), vec![bad_node("px_testing")]),
        (node(json!("px\u{e9}")), vec![bad_node("px\u{e9}")]),
        (node(json!("px\n")), vec![bad_node("px\n")]),
        (hosts(json!(1)), vec![no_text("body.hosts", json!(1))]),
        (hosts(json!("")), vec![bad_hosts("")]),
        (hosts(json!("a b")), vec![bad_hosts("a b")]),
        (hosts(json!("a:b")), vec![bad_hosts("a:b")]),
        (hosts(json!("a,b")), vec![bad_hosts("a,b")]),
        (hosts(json!("localhost\n")), vec![bad_hosts("localhost\n")]),
        (hosts(json!("@/etc/passwd")), vec![bad_hosts("@/etc/passwd")]),
        (as_json(json!("maybe")), vec![no_bool(json!("maybe"))]),
        (as_json(json!(2)), vec![no_bool(json!(2))]),
        (
            json!({"proxmox_node": "!", "hosts": "a b", "as_json": "maybe"}),
            vec![bad_node("!"), no_bool(json!("maybe")), bad_hosts("a b")],
        ),
    ];
    for (body, faults) in cases {
        for route in ROUTES {
            assert_eq!(
                detail(post(&app, route, &body).await, 422).await,
                Value::Array(faults.clone()),
                "{body}"
            );
        }
    }
    assert_nothing_was_run(&app).await;
}

#[tokio::test]
async fn hosts_are_never_an_option() {
    let app = TestApp::new();
    for hosts in ["-vvvv", "--list-hosts", "-"] {
        let detail =
            detail(post(&app, PING, &json!({"proxmox_node": "px", "hosts": hosts})).await, 422).await;
        assert_eq!((&detail[0]["field"], &detail[0]["input"]), (&json!("body.hosts"), &json!(hosts)));
        assert_eq!(detail.as_array().map(Vec::len), Some(1));
    }
    assert_nothing_was_run(&app).await;
}

async fn send(app: &TestApp, content_type: Option<&str>, body: &str) -> Response {
    let mut request = Client::new().post(format!("{}{PING}", app.address())).body(body.to_owned());
    if let Some(content_type) = content_type {
        request = request.header("content-type", content_type);
    }
    request.send().await.expect("an answer")
}

#[tokio::test]
async fn invalid_json_gets_the_recorded_error() {
    let app = TestApp::new();
    for (body, place) in [("{\"proxmox_node\": \"px", 19), ("nonsense", 1), ("{\n}}", 3)] {
        let detail = detail(send(&app, Some("application/json"), body).await, 422).await;
        let item = &detail[0];
        assert_eq!(item["field"], format!("body.{place}"), "{body}");
        assert_eq!((&item["msg"], &item["type"]), (&json!("JSON decode error"), &json!("json_invalid")));
        assert_eq!(item["input"], json!({}));
        assert!(item["ctx"]["error"].as_str().is_some_and(|text| !text.is_empty()), "{item:#}");
    }
    let blank = detail(send(&app, Some("application/json"), "  ").await, 422).await;
    assert_eq!(blank[0]["type"], "json_invalid");
    let none = detail(send(&app, Some("application/json"), "").await, 422).await;
    assert_eq!(none, json!([missing("body", Value::Null)]));
    assert_nothing_was_run(&app).await;
}

#[tokio::test]
async fn only_json_by_its_type_or_without_one_is_read() {
    let app = TestApp::new();
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "application/xml"] {
        let detail = detail(send(&app, Some(content_type), "{}").await, 415).await;
        assert!(detail.as_str().is_some_and(|text| text.contains("application/json")), "{detail}");
    }
    for content_type in [None, Some("application/json; charset=utf-8"), Some("application/vnd.api+json")] {
        let detail = detail(send(&app, content_type, "{\"hosts\": null}").await, 422).await;
        assert_eq!(detail, json!([missing("body.proxmox_node", json!({"hosts": null}))]), "{content_type:?}");
    }
    assert_nothing_was_run(&app).await;
}

#[tokio::test]
async fn a_body_beyond_one_mebibyte_is_refused() {
    let app = TestApp::new();
    for route in ROUTES {
        // The length alone decides: no byte of the body is sent.
        let answer = http::send_with(&app, "POST", route, "content-length: 1048577\r\n", "");
        assert_eq!(answer.status, 413);
        assert!(answer.json()["detail"].is_string(), "{}", answer.body);
    }
    assert_nothing_was_run(&app).await;
}
