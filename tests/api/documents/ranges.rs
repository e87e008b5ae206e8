//! Replies about ranges are what the schemas say.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::TestApp;

use super::schemas::Document;

fn lab() -> Value {
    json!({
        "name": "lab", "platform": "simulated", "networks": {"lan": {}},
        "machines": {
            "gw": {"template": "debian-12", "role": "router", "networks": ["lan", "uplink"]},
            "web": {"template": "debian-12", "networks": ["lan"], "needs": ["gw"]},
        },
    })
}

/// Sends a request and checks the reply; returns it.
async fn checked(
    app: &TestApp,
    document: &Document,
    operation: (&str, &str),
    path: &str,
    body: Option<&Value>,
) -> Value {
    let response = app.send(operation.0.parse::<Method>().expect("a method"), path, body).await;
    let status = response.status().as_u16();
    let media = response.headers()["content-type"].to_str().expect("text").to_owned();
    let reply = response.json().await.expect("JSON");
    document.check(operation, status, &media, &reply);
    reply
}

#[tokio::test]
async fn replies_about_ranges_are_what_the_schemas_say() {
    let (app, document) = (super::stub().start(), Document::new());
    let create = ("POST", "/v1/ranges");
    checked(&app, &document, create, "/v1/ranges?dry_run=true", Some(&lab())).await;
    checked(&app, &document, create, "/v1/ranges?wait=100", Some(&lab())).await;
    checked(&app, &document, create, "/v1/ranges", Some(&lab())).await;
    checked(&app, &document, create, "/v1/ranges", Some(&json!({"name": 7}))).await;
    checked(&app, &document, create, "/v1/ranges", Some(&json!({"document": 7, "digest": true}))).await;
    for id in ["lab", "nowhere"] {
        for view in ["", "/plan", "/machines", "/networks", "/reachability", "/graph"] {
            let operation = format!("/v1/ranges/{{id}}{view}");
            checked(&app, &document, ("GET", &operation), &operation.replace("{id}", id), None).await;
        }
        let path = format!("/v1/ranges/{id}");
        checked(&app, &document, ("PUT", "/v1/ranges/{id}"), &path, Some(&lab())).await;
        checked(&app, &document, ("POST", "/v1/ranges/{id}/plan"), &format!("{path}/plan"), Some(&lab()))
            .await;
        for (action, body) in [
            ("stop", json!({})),
            ("snapshot", json!({"name": "a b"})),
            ("extend", json!({"by": "2h", "until": null})),
        ] {
            let operation = format!("/v1/ranges/{{id}}/actions/{action}");
            let path = format!("{}?wait=100", operation.replace("{id}", id));
            checked(&app, &document, ("POST", &operation), &path, Some(&body)).await;
        }
    }
    for (operation, path) in [
        ("/v1/ranges", "/v1/ranges"),
        ("/v1/ranges", "/v1/ranges?limit=0"),
        ("/v1/ranges", "/v1/ranges?after=nowhere"),
        ("/v1/platforms", "/v1/platforms"),
        ("/v1/platforms/{platform}", "/v1/platforms/simulated"),
        ("/v1/platforms/{platform}", "/v1/platforms/nowhere"),
        ("/", "/"),
        ("/api/v1/ranges", "/api/v1/ranges"),
        ("/api/v1/range/{range_id}", "/api/v1/range/none"),
    ] {
        checked(&app, &document, ("GET", operation), path, None).await;
    }
    let jobs = checked(&app, &document, ("GET", "/v1/jobs"), "/v1/jobs", None).await;
    let job = format!("/v1/jobs/{}", jobs["items"][0]["id"].as_str().expect("an id"));
    checked(&app, &document, ("GET", "/v1/jobs/{id}"), &job, None).await;
    let destroy = ("DELETE", "/v1/ranges/{id}");
    checked(&app, &document, destroy, "/v1/ranges/lab?dry_run=true", None).await;
    checked(&app, &document, destroy, "/v1/ranges/lab?wait=100", None).await;
}
