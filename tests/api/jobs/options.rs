//! Options of a request, as Ansible itself reports them.

use serde_json::{Value, json};
use testkit::TestApp;

#[tokio::test]
async fn every_option_of_a_request_reaches_ansible() {
    let app = TestApp::new();
    let job = app
        .run(&json!({
            "bundle": "options", "inventory": "trio", "limit": "node-a,node-c", "check": true, "diff": true,
            "verbosity": 2, "forks": 3, "tags": ["colour", "write"], "skip_tags": "blue,green",
            "extra_vars": {"word": "from the request"}, "timeout_s": 100,
        }))
        .await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    let results = job.results().await;
    let seen = |host: &str| {
        json!({
            "host": host, "check": true, "diff": true, "verbosity": 2, "forks": 3, "limit": "node-a,node-c",
            "tags": ["colour", "write"], "skip_tags": ["blue", "green"], "word": "from the request",
        })
    };
    assert_eq!(sorted(&results["options"]), [seen("node-a"), seen("node-c")]);
    assert_eq!(sorted(&results["red"]), ["node-a", "node-c"]);
    assert_eq!(results["blue"], Value::Null, "its tag is skipped");
    assert_eq!(results["written.stat.exists"], json!([false, false]), "a check changes nothing");
    assert!(job.log().await.contains("+written"), "the difference is shown");
}

#[tokio::test]
async fn options_that_a_request_omits_are_left_to_ansible() {
    let app = TestApp::new();
    let job = app.run(&json!({"bundle": "options", "tags": "all,write", "limit": null})).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    let results = job.results().await;
    let seen = json!({
        "host": "localhost", "check": false, "diff": false, "verbosity": 0, "forks": 5, "limit": null,
        "tags": ["all", "write"], "skip_tags": [], "word": "unset",
    });
    assert_eq!(results["options"], json!([seen]));
    assert_eq!(results["blue"], json!(["localhost"]));
    assert_eq!(results["written.stat.exists"], json!([true]));
    assert!(!job.log().await.contains("+written"), "no difference is shown");
}

fn sorted(values: &Value) -> Vec<Value> {
    let mut values = values.as_array().expect("values").clone();
    values.sort_by_key(Value::to_string);
    values
}
