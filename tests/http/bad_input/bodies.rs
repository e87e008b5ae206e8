//! Bodies that are invalid JSON, have another content type, or are too long.

use reqwest::{Client, Method, RequestBuilder};
use serde_json::json;
use testkit::{Setup, TestApp, http};

use super::{assert_nothing_was_run, problem};

/// A POST with this content type, if any. `{}` as a body is JSON without content to run: 422.
fn post(app: &TestApp, content_type: Option<&str>, body: &str) -> RequestBuilder {
    let request =
        Client::new().request(Method::POST, format!("{}/v1/jobs", app.address())).body(body.to_owned());
    match content_type {
        Some(content_type) => request.header("content-type", content_type),
        None => request,
    }
}

#[tokio::test]
async fn invalid_json_is_reported_with_its_position() {
    let app = TestApp::without_ansible();
    let deep = "[".repeat(100_000);
    for (body, line, column) in [
        ("{", 1, 1),
        (r#"{"bundle": "ping",}"#, 1, 19),
        ("{\n  \"bundle\": \"ping\"\n  \"check\": true\n}", 3, 3),
        (r#"{"bundle": 'ping'}"#, 1, 12),
        ("bundle=ping", 1, 1),
        ("{} {}", 1, 4),
        ("{\"bundle\": \"pi\nng\"}", 2, 0),
        (r#"{"bundle": NaN}"#, 1, 12),
        (r#"{"bundle": "\ud800"}"#, 1, 19),
        (&deep, 1, 128),
    ] {
        let sent = post(&app, Some("application/json"), body).send().await.expect("an answer");
        let problem = problem(sent, 400).await;
        assert_eq!(problem["code"], "malformed_json");
        let place = format!("at line {line} column {column}");
        assert!(
            problem["detail"].as_str().is_some_and(|text| text.ends_with(&place)),
            "{body:.40}: {problem:#}"
        );
    }
    let not_utf8 = post(&app, Some("application/json"), "").body(&b"{\"bundle\": \"\xff\"}"[..]);
    assert_eq!(problem(not_utf8.send().await.expect("an answer"), 400).await["code"], "malformed_json");
    assert_nothing_was_run(&app).await;
}

#[tokio::test]
async fn a_body_that_is_said_to_be_something_else_is_refused() {
    let app = TestApp::without_ansible();
    for content_type in [
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/octet-stream",
        "application/jsonp",
        "",
    ] {
        let sent = post(&app, Some(content_type), r#"{"bundle": "ping"}"#).send().await.expect("an answer");
        let problem = problem(sent, 415).await;
        assert_eq!(problem["code"], "unsupported_media_type", "{content_type}");
        assert!(
            problem["detail"].as_str().is_some_and(|text| text.contains("application/json")),
            "{problem:#}"
        );
    }
    assert_nothing_was_run(&app).await;
}

#[tokio::test]
async fn json_goes_by_several_content_types_and_by_none() {
    let app = TestApp::without_ansible();
    for content_type in [
        None,
        Some("application/json"),
        Some("application/json; charset=utf-8"),
        Some("Application/JSON"),
        Some("application/vnd.api+json"),
    ] {
        let sent = post(&app, content_type, "{}").send().await.expect("an answer");
        assert_eq!(problem(sent, 422).await["code"], "invalid_request", "{content_type:?}");
    }
    assert_nothing_was_run(&app).await;
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused() {
    let app = Setup::without_ansible().set("RANGEHAND__SERVER__BODY_LIMIT_BYTES", "1024").start();
    let at_limit = format!("{{{}}}", " ".repeat(1022));
    let sent = post(&app, None, &at_limit).send().await.expect("an answer");
    assert_eq!(problem(sent, 422).await["code"], "invalid_request", "the limit itself is allowed");

    let sent = post(&app, None, &format!("{at_limit} ")).send().await.expect("an answer");
    let problem = problem(sent, 413).await;
    assert_eq!(problem["code"], "body_too_long");
    assert!(problem["detail"].as_str().is_some_and(|text| text.contains("1024")), "{problem:#}");

    let chunked = format!("401\r\n{at_limit} \r\n0\r\n\r\n");
    let answer = http::send_with(&app, "POST", "/v1/jobs", "transfer-encoding: chunked\r\n", &chunked);
    assert_eq!((answer.status, &answer.json()["code"]), (413, &json!("body_too_long")));
    assert_nothing_was_run(&app).await;
}

#[tokio::test]
async fn a_body_may_have_one_mebibyte_unless_a_setting_says_otherwise() {
    let app = TestApp::without_ansible();
    // The length alone decides: no byte of the body is sent.
    let answer = http::send_with(&app, "POST", "/v1/jobs", "content-length: 1048577\r\n", "");
    assert_eq!((answer.status, &answer.json()["code"]), (413, &json!("body_too_long")));
    let whole = format!("{{{}}}", " ".repeat(1_048_574));
    let sent = post(&app, None, &whole).send().await.expect("an answer");
    assert_eq!(problem(sent, 422).await["code"], "invalid_request");
    assert_nothing_was_run(&app).await;
}
