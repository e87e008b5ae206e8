//! The plan of a range continues at another node when its node was killed.

use reqwest::Method;
use serde_json::json;
use testkit::{Postgres, until_async};

use super::node;

#[tokio::test]
async fn a_plan_of_a_killed_node_is_completed_by_another_one() {
    let Some(store) = Postgres::create() else { return };
    let shared = tempfile::tempdir().expect("a directory");
    let at = |name: &str| shared.path().join(name).to_string_lossy().into_owned();
    let setup = || {
        node(&store)
            .set("RANGEHAND__SECRETS__KEY_FILE", at("secrets.key"))
            .set("RANGEHAND__PLATFORMS__SIMULATED__STATE_FILE", at("simulated.jsonl"))
            .set("RANGEHAND__PLATFORMS__SIMULATED__LATENCIES", "all_ms=300")
    };
    let (mut first, mut second) = (setup().start(), setup().start());
    let document = json!({
        "name": "lab", "platform": "simulated", "networks": {"lan": {}},
        "machines": {"a": {"kind": "namespace", "networks": ["lan"]}, "b": {"kind": "namespace", "networks": ["lan"]}},
    });
    let response = first.send(Method::POST, "/v1/ranges", Some(&document)).await;
    assert_eq!(response.status(), 202);
    let change: serde_json::Value = response.json().await.expect("JSON");
    let path = format!("/v1/jobs/{}", change["job"]["id"].as_str().expect("an ID"));
    until_async("a step is done", async || {
        let plan = second.get("/v1/ranges/lab/plan", 200).await;
        plan["steps"].as_array().is_some_and(|steps| steps.iter().any(|step| step["state"] == "done"))
    })
    .await;
    let running = second.get("/v1/queue", 200).await["running"][0]["node"].clone();
    let own = second.get("/v1/background-tasks", 200).await["node"].clone();
    let left = if running == own {
        second.kill();
        &first
    } else {
        first.kill();
        &second
    };
    until_async("another node has completed the plan", async || {
        left.get(&path, 200).await["state"] == "succeeded"
    })
    .await;
    let job = left.get(&path, 200).await;
    assert_eq!((&job["attempt"], &job["range"]["done"]), (&json!(1), &job["range"]["steps"]), "{job:#}");
    assert_eq!(left.get("/v1/ranges/lab", 200).await["state"], "ready");
    assert_eq!(left.get("/v1/ranges/lab/drift", 200).await["items"], json!([]), "nothing was created twice");
}
