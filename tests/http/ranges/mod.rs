//! Ranges on the simulated platform: from a document to machines, and back to nothing.

mod actions;
mod cli;
mod documents;
mod killed;
mod life;
mod looks;
mod platforms;
mod terminal;
mod tutorial;

use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use testkit::{Setup, TestApp};

/// A service whose jobs run no Ansible, with the platform `simulated`, whose calls take no time.
pub(super) fn setup() -> Setup {
    Setup::without_ansible().set("RANGEHAND__PLATFORMS__SIMULATED__LATENCIES", "all_ms=0")
}

pub(super) fn service() -> TestApp {
    setup().start()
}

/// How long a request waits for the end of a job, in seconds.
const LONGEST_S: u64 = 120;

/// Two machines on one network, of which the second one waits for the first one.
const TWO_MACHINES: &str = "
name: lab
platform: simulated
networks: {lan: {}}
machines:
  a: {template: debian-12, networks: [lan]}
  b: {template: debian-12, networks: [lan], needs: [a]}
";

/// A router and two machines on two networks.
fn lab() -> Value {
    json!({
        "name": "lab", "platform": "simulated", "description": "two networks",
        "networks": {"dmz": {"cidr": "10.0.1.0/24"}, "inside": {"cidr": "10.0.2.0/24"}},
        "machines": {
            "gw": {"template": "debian-12", "role": "router", "networks": ["dmz", "inside", "uplink"]},
            "web": {"template": "debian-12", "networks": [{"name": "dmz", "address": "10.0.1.10"}], "needs": ["gw"]},
            "db": {"template": "debian-12", "networks": ["inside"], "cores": 1, "memory_mb": 512},
        },
        "rules": [{"from": "dmz", "to": "inside", "allow": ["tcp/5432"]}],
    })
}

/// Sends a body with a content type.
async fn send(app: &TestApp, method: Method, path: &str, media: &str, body: impl Into<String>) -> Response {
    let request = Client::new().request(method, format!("{}{path}", app.address()));
    request.header("content-type", media).body(body.into()).send().await.expect("the service replies")
}

/// Sends JSON, and returns the JSON of the reply, which must have this status.
async fn call(app: &TestApp, method: Method, path: &str, body: &Value, status: u16) -> Value {
    let response = send(app, method, path, "application/json", body.to_string()).await;
    let found = response.status();
    let text = response.text().await.expect("text");
    assert_eq!(found, status, "{text}");
    serde_json::from_str(&text).expect("JSON")
}

/// A path with a parameter that waits for the end of the job.
fn waiting(path: &str) -> String {
    let separator = if path.contains('?') { '&' } else { '?' };
    format!("{path}{separator}wait={LONGEST_S}")
}

/// Creates a range, and waits until it's ready.
async fn created(app: &TestApp, document: &Value) -> Value {
    let change = call(app, Method::POST, &waiting("/v1/ranges"), document, 200).await;
    assert_eq!(change["job"]["state"], "succeeded", "{change:#}");
    assert_eq!(change["range"]["state"], "ready", "{change:#}");
    change
}

/// Destroys a range, and waits until nothing of it exists.
async fn destroyed(app: &TestApp, name: &str) {
    let change = call(app, Method::DELETE, &waiting(&format!("/v1/ranges/{name}")), &Value::Null, 200).await;
    assert_eq!(change["job"]["state"], "succeeded", "{change:#}");
}
