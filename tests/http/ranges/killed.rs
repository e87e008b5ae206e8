//! Plans whose service is killed, ranges that fail, and ranges that are created at once.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Setup, TestApp, until_async};

use super::{call, created, destroyed, lab, service, waiting};

/// The number of steps of the last plan of the range that are done, and the number of all.
async fn done(app: &TestApp) -> (usize, usize) {
    let plan = app.get("/v1/ranges/lab/plan", 200).await;
    let steps = plan["steps"].as_array().expect("steps");
    (steps.iter().filter(|step| step["state"] == "done").count(), steps.len())
}

#[tokio::test]
async fn a_plan_continues_after_its_service_is_killed_again_and_again() {
    let mut app =
        Setup::without_ansible().set("RANGEHAND__PLATFORMS__SIMULATED__LATENCIES", "all_ms=40").start();
    let change = call(&app, Method::POST, "/v1/ranges", &lab(), 202).await;
    let job = change["job"]["id"].as_str().expect("an ID").to_owned();
    let mut before = 0;
    loop {
        // Another step is done, so every restart is at another place of the plan.
        let (count, all) = loop {
            let (count, all) = done(&app).await;
            if count > before || count == all {
                break (count, all);
            }
            tokio::task::yield_now().await;
        };
        if count == all {
            break;
        }
        before = count;
        app.kill();
        app.start_again();
    }
    let job = app.get(&format!("/v1/jobs/{job}?wait=60"), 200).await;
    assert_eq!((&job["state"], &job["attempt"]), (&json!("succeeded"), &json!(1)), "{job:#}");
    let detail = &job["range"];
    assert_eq!(detail["done"], detail["steps"], "{job:#}");
    assert_eq!(app.get("/v1/ranges/lab", 200).await["state"], "ready");
    assert_eq!(app.get("/v1/ranges/lab/drift", 200).await["items"], json!([]), "nothing was created twice");
    destroyed(&app, "lab").await;
}

#[tokio::test]
async fn a_plan_that_fails_is_undone_and_its_name_and_addresses_are_free() {
    let faults = json!([{"call": "power", "thing": "web", "times": 1, "effect": {"refuse": "no memory"}}]);
    let app = Setup::without_ansible()
        .set("RANGEHAND__PLATFORMS__SIMULATED__LATENCIES", "all_ms=0")
        .set("RANGEHAND__PLATFORMS__SIMULATED__FAULTS", faults.to_string())
        .start();
    let change = call(&app, Method::POST, &waiting("/v1/ranges"), &lab(), 200).await;
    let job = &change["job"];
    assert_eq!((&job["state"], &job["reason"]["code"]), (&json!("failed"), &json!("plan_failed")), "{job:#}");
    assert!(job["reason"]["message"].as_str().expect("text").contains("no memory"), "{job:#}");
    assert_eq!((&job["range"]["done"], &job["range"]["left"]), (&json!(0), &json!([])), "{job:#}");
    created(&app, &lab()).await;
    destroyed(&app, "lab").await;
}

#[tokio::test]
async fn ranges_that_are_created_at_once_never_share_a_subnet() {
    let app = service();
    let document = |name: String| {
        json!({
            "name": name, "platform": "simulated", "networks": {"lan": {}},
            "machines": {"a": {"kind": "namespace", "networks": ["lan"]}},
        })
    };
    let names: Vec<String> = (0..20).map(|number| format!("lab-{number}")).collect();
    let requests = names.iter().map(|name| {
        let (app, document) = (&app, document(name.clone()));
        async move { call(app, Method::POST, &waiting("/v1/ranges"), &document, 200).await }
    });
    for change in join_all(requests).await {
        assert_eq!(change["job"]["state"], "succeeded", "{change:#}");
    }
    let mut subnets = BTreeSet::new();
    for name in &names {
        let networks = app.get(&format!("/v1/ranges/{name}/networks"), 200).await;
        subnets.insert(networks["items"][0]["cidr"].as_str().expect("a subnet").to_owned());
    }
    assert_eq!(subnets.len(), names.len(), "{subnets:?}");
    for name in &names {
        destroyed(&app, name).await;
    }
}

#[tokio::test]
async fn a_range_whose_lifetime_is_over_is_destroyed() {
    let app = Setup::without_ansible()
        .set("RANGEHAND__PLATFORMS__SIMULATED__LATENCIES", "all_ms=0")
        .set("RANGEHAND__RANGES__CHECK_INTERVAL_S", "1")
        .start();
    let mut document = lab();
    document["ttl"] = json!("1s");
    created(&app, &document).await;
    until_async("the range is destroyed", async || {
        app.get("/v1/ranges", 200).await["items"] == Value::Array(Vec::new())
    })
    .await;
}
