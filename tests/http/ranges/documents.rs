//! Documents as YAML and JSON, and those that are rejected.

use reqwest::Method;
use serde_json::{Value, json};

use super::{call, created, destroyed, lab, send, service, waiting};

const YAML: &str = "
name: small
platform: simulated
networks: {lan: {}}
machines:
  a: {template: debian-12, networks: [lan]}
";

#[tokio::test]
async fn a_document_can_be_sent_as_yaml() {
    let app = service();
    let response = send(&app, Method::POST, &waiting("/v1/ranges"), "application/yaml", YAML).await;
    assert_eq!(response.status(), 200);
    let change: Value = response.json().await.expect("JSON");
    assert_eq!((&change["range"]["name"], &change["range"]["state"]), (&json!("small"), &json!("ready")));
    let wrapped = "document: {platform: simulated}";
    let path = "/v1/ranges/small?dry_run=true";
    let response = send(&app, Method::PUT, path, "text/yaml; charset=utf-8", wrapped).await;
    assert_eq!(response.status(), 422, "a body with a field `document` is a request");
    let problem: Value = response.json().await.expect("JSON");
    assert_eq!(
        (&problem["errors"][0]["field"], &problem["errors"][0]["code"]),
        (&json!("name"), &json!("missing"))
    );
    let response = send(&app, Method::POST, "/v1/ranges", "application/x-www-form-urlencoded", YAML).await;
    assert_eq!(response.status(), 415);
    let problem: Value = response.json().await.expect("JSON");
    assert!(problem["hint"].as_str().is_some_and(|hint| hint.contains("application/yaml")), "{problem:#}");
    destroyed(&app, "small").await;
}

#[tokio::test]
async fn all_faults_of_a_document_are_reported_at_once_with_path_and_hint() {
    let app = service();
    let mut document = lab();
    document["machines"]["web"]["networks"] = json!(["dmx"]);
    document["machines"]["db"]["needs"] = json!(["nowhere"]);
    document["machines"]["gw"]["rolle"] = json!("router");
    let problem = call(&app, Method::POST, "/v1/ranges", &document, 422).await;
    assert_eq!(problem["code"], "invalid_document");
    let fault = |field: &str| {
        let faults = problem["errors"].as_array().expect("faults");
        faults.iter().find(|fault| fault["field"] == field).unwrap_or_else(|| panic!("{field}: {problem:#}"))
    };
    assert_eq!(fault("machines.gw.rolle")["code"], "unknown_field");
    document["machines"]["gw"].as_object_mut().expect("a machine").shift_remove("rolle");
    let problem = call(&app, Method::POST, "/v1/ranges", &document, 422).await;
    let faults = problem["errors"].as_array().expect("faults");
    let of = |field: &str| faults.iter().find(|fault| fault["field"] == field).cloned().unwrap_or_default();
    let network = of("machines.web.networks[0]");
    assert_eq!(
        (&network["code"], &network["hint"]),
        (&json!("unknown_name"), &json!("did you mean `dmz`?")),
        "{problem:#}"
    );
    assert_eq!(of("machines.db.needs[0]")["code"], "unknown_name", "{problem:#}");
}

#[tokio::test]
async fn an_unknown_platform_is_a_fault_of_the_document() {
    let app = service();
    let mut document = lab();
    document["platform"] = json!("nowhere");
    let problem = call(&app, Method::POST, "/v1/ranges", &document, 422).await;
    let fault = &problem["errors"][0];
    assert_eq!(
        (&fault["field"], &fault["code"]),
        (&json!("platform"), &json!("unknown_name")),
        "{problem:#}"
    );
    assert!(fault["hint"].as_str().is_some_and(|hint| hint.contains("`simulated`")), "{problem:#}");
}

#[tokio::test]
async fn a_document_that_is_too_large_is_rejected_before_it_is_parsed() {
    let app = service();
    let large = format!("name: {}", "x".repeat(10 << 20));
    let response = send(&app, Method::POST, "/v1/ranges", "application/yaml", large).await;
    assert_eq!(response.status(), 413);
    // More than other bodies may have, and within the limit of documents.
    let document = format!("{YAML}# {}\n", "y".repeat(2 << 20));
    let response = send(&app, Method::POST, "/v1/ranges?dry_run=true", "application/yaml", document).await;
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn a_yaml_bomb_is_rejected() {
    let app = service();
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for n in 1..9 {
        let before = format!("*a{}", n - 1);
        bomb += &format!("a{n}: &a{n} [{}]\n", [before.as_str(); 10].join(", "));
    }
    let response = send(&app, Method::POST, "/v1/ranges", "application/yaml", bomb).await;
    assert_eq!(response.status(), 422);
    let problem: Value = response.json().await.expect("JSON");
    assert_eq!(problem["code"], "invalid_document", "{problem:#}");
    for text in ["", "[]", "7", "name: [", "\u{1}"] {
        let response = send(&app, Method::POST, "/v1/ranges", "application/yaml", text).await;
        assert_eq!(response.status(), 422, "{text}");
    }
}

#[tokio::test]
async fn secret_values_are_never_returned() {
    let app = service();
    let mut document = lab();
    document["variables"] = json!({"password": {"type": "secret"}, "domain": {"type": "string"}});
    document["tasks"] =
        json!([{"name": "base", "bundle": "ping", "on": "all", "vars": {"fqdn": "web.${domain}"}}]);
    let problem = call(&app, Method::POST, "/v1/ranges", &document, 422).await;
    assert_eq!(problem["errors"][0]["code"], "missing", "{problem:#}");
    let request = json!({
        "document": document, "values": {"all": {"domain": "lab.test"}},
        "secret_values": {"all": {"password": "correct horse battery"}},
    });
    created(&app, &request).await;
    for path in ["", "/plan", "/machines", "/graph"] {
        let shown = app.get(&format!("/v1/ranges/lab{path}"), 200).await.to_string();
        assert!(!shown.contains("correct horse"), "{path}: {shown}");
    }
    assert!(!app.log().contains("correct horse"));
    destroyed(&app, "lab").await;
}
