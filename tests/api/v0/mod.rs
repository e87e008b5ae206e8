//! v0 as clients of the service that Rangehand replaces know it.

mod actions;
mod bodies;
mod refusals;
mod replies;

use reqwest::{Method, Response};
use serde_json::{Value, json};
use testkit::TestApp;

const PING: &str = "/v0/admin/debug/ping";

/// The three routes, with names that exist.
const ROUTES: &[&str] = &[PING, "/v0/admin/run/bundles/ping/run", "/v0/admin/run/scenarios/demo_lab/run"];

/// A body that is good for all three.
fn on_localhost() -> Value {
    json!({"proxmox_node": "px-testing", "hosts": "localhost"})
}

async fn post(app: &TestApp, path: &str, body: &Value) -> Response {
    app.send(Method::POST, path, Some(body)).await
}

/// The `detail` of a refusal, which must be all there is.
async fn detail(response: Response, status: u16) -> Value {
    let media_type = response.headers()["content-type"].to_str().expect("text").to_owned();
    assert!(response.headers().get("x-rangehand-job").is_none(), "nothing is run");
    let (found, text) = (response.status(), response.text().await.expect("text"));
    assert_eq!((found.as_u16(), media_type.as_str()), (status, "application/json"), "{text}");
    let reply: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let members: Vec<_> = reply.as_object().expect("an object").keys().collect();
    assert_eq!(members, ["detail"]);
    reply["detail"].clone()
}
