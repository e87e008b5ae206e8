//! Rate limits, size limits, and depth limits.

use serde_json::{Value, json};
use testkit::{
    Setup, TestApp,
    access::{call, problem, status},
    http,
};

fn limited(setup: Setup) -> TestApp {
    setup
        .set("RANGEHAND__LIMITS__WRITES_PER_MINUTE", "1")
        .set("RANGEHAND__LIMITS__WRITES_BURST", "2")
        .set("RANGEHAND__LIMITS__READS_PER_MINUTE", "1")
        .set("RANGEHAND__LIMITS__READS_BURST", "5")
        .start()
}

#[tokio::test]
async fn one_change_too_many_is_answered_with_429_and_when_to_come_again() {
    let app = limited(Setup::without_ansible());
    let origin = [("origin", "http://localhost:5173")];
    for _ in 0..2 {
        assert_eq!(call(&app, "POST", "/v1/jobs", &origin, Some("{")).await.status(), 400);
    }
    let refused = call(&app, "POST", "/v1/jobs", &origin, Some("{")).await;
    let after: u64 = refused.headers()["retry-after"].to_str().expect("text").parse().expect("seconds");
    assert!((1..=60).contains(&after), "{after}");
    assert_eq!(refused.headers()["access-control-allow-origin"], origin[0].1, "a page may read why");
    assert_eq!(problem(refused, 429).await, "too_many_requests");
    let v0 = call(&app, "POST", "/v0/admin/debug/ping", &[], Some("{")).await;
    assert_eq!(v0.status(), 429);
    assert!(v0.headers().contains_key("retry-after"));
    assert!(v0.json::<Value>().await.expect("JSON")["detail"].is_string());
    assert_eq!(status(&app, "/v1/jobs", &[]).await, 200, "looks are counted apart");
}

#[tokio::test]
async fn looks_are_limited_too_and_health_never() {
    let app = limited(Setup::without_ansible());
    for _ in 0..5 {
        assert_eq!(status(&app, "/v1/jobs", &[]).await, 200);
    }
    assert_eq!(status(&app, "/v1/jobs", &[]).await, 429);
    for _ in 0..20 {
        assert_eq!(status(&app, "/healthz", &[]).await, 200);
    }
}

async fn five_pass_and_the_next_does_not(app: &TestApp, headers: &[(&str, &str)]) {
    for _ in 0..5 {
        assert_eq!(status(app, "/v1/jobs", headers).await, 200, "{headers:?}");
    }
    assert_eq!(status(app, "/v1/jobs", headers).await, 429, "{headers:?}");
}

#[tokio::test]
async fn each_consumer_of_a_gateway_has_calls_of_its_own() {
    let app = limited(
        Setup::without_ansible()
            .set("RANGEHAND__ACCESS__MODES", "gateway")
            .set("RANGEHAND__ACCESS__GATEWAY_ADDRESSES", "127.0.0.1"),
    );
    for name in ["ann", "bob"] {
        let consumer = [("x-consumer-username", name), ("x-consumer-groups", "viewer")];
        five_pass_and_the_next_does_not(&app, &consumer).await;
    }
}

#[tokio::test]
async fn a_forwarded_address_counts_only_behind_a_listed_proxy() {
    let behind = limited(Setup::without_ansible().set("RANGEHAND__ACCESS__GATEWAY_ADDRESSES", "127.0.0.1"));
    for address in ["192.0.2.1", "192.0.2.2"] {
        five_pass_and_the_next_does_not(&behind, &[("x-forwarded-for", address)]).await;
    }
    let spoofed = [("x-forwarded-for", "203.0.113.7, 192.0.2.1")];
    assert_eq!(
        status(&behind, "/v1/jobs", &spoofed).await,
        429,
        "what the caller put before it does not count"
    );

    let alone = limited(Setup::without_ansible());
    five_pass_and_the_next_does_not(&alone, &[("x-forwarded-for", "192.0.2.1")]).await;
    assert_eq!(
        status(&alone, "/v1/jobs", &[("x-forwarded-for", "192.0.2.2")]).await,
        429,
        "any client can send the header"
    );
}

#[tokio::test]
async fn paths_headers_and_depth_have_limits() {
    let app = TestApp::without_ansible();
    let long = format!("/v1/catalog/bundles/{}", "x".repeat(9000));
    assert_eq!(problem(call(&app, "GET", &long, &[], None).await, 414).await, "path_too_long");
    let name = format!("/v1/catalog/bundles/{}", "x".repeat(256));
    assert_eq!(problem(call(&app, "GET", &name, &[], None).await, 400).await, "bad_name");
    let many: String = (0..100).map(|number| format!("x-{number}: y\r\n")).collect();
    assert_eq!(http::send_with(&app, "GET", "/v1/jobs", &many, "").status, 431, "96 headers at most");
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let answer = call(&app, "POST", "/v1/jobs", &[], Some(&deep)).await;
    assert_eq!(problem(answer, 400).await, "malformed_json");
    let mut nested = json!(1);
    for _ in 0..40 {
        nested = json!({"a": nested});
    }
    let body = json!({"bundle": "ping", "extra_vars": {"a": nested}}).to_string();
    assert_eq!(call(&app, "POST", "/v1/jobs", &[], Some(&body)).await.status(), 422);
    assert_eq!(status(&app, "/healthz", &[]).await, 200, "it lives");
}
