//! Methods, paths, query parameters, request IDs.

use reqwest::{Client, Method, header};
use serde_json::Value;
use testkit::TestApp;

use super::{assert_nothing_was_run, faults, problem};

/// A job that is well formed and does not exist.
const NO_JOB: &str = "/v1/jobs/0190a8d2-7c3f-7a51-9f0e-2b6f5f0f4d11";

#[tokio::test]
async fn a_wrong_method_is_reported_with_the_allowed_ones() {
    let app = TestApp::without_ansible();
    for (method, path, allowed) in [
        (Method::PUT, "/v1/jobs".to_owned(), "GET, POST"),
        (Method::PUT, NO_JOB.to_owned(), "GET, DELETE"),
        (Method::GET, format!("{NO_JOB}/retry"), "POST"),
        (Method::POST, "/v1/queue".to_owned(), "GET"),
        (Method::POST, format!("{NO_JOB}/events"), "GET"),
        (Method::POST, format!("{NO_JOB}/log"), "GET"),
        (Method::POST, format!("{NO_JOB}/result"), "GET"),
        (Method::GET, format!("{NO_JOB}/cancel"), "POST"),
        (Method::POST, "/v1/catalog/bundles".to_owned(), "GET"),
        (Method::DELETE, "/v1/catalog/bundles/ping".to_owned(), "GET"),
        (Method::POST, "/healthz".to_owned(), "GET, HEAD"),
        (Method::POST, "/readyz".to_owned(), "GET, HEAD"),
    ] {
        let response = app.send(method.clone(), &path, None).await;
        let allow = response.headers().get(header::ALLOW).cloned();
        let problem = problem(response, 405).await;
        assert_eq!(problem["code"], "method_not_allowed", "{method} {path}");
        assert_eq!(allow.as_ref().and_then(|value| value.to_str().ok()), Some(allowed), "{method} {path}");
        assert!(problem["detail"].as_str().is_some_and(|text| text.contains(allowed)), "{problem:#}");
    }
    assert_nothing_was_run(&app).await;
}

#[tokio::test]
async fn an_unknown_path_is_not_found() {
    let app = TestApp::without_ansible();
    for path in
        ["/v1", "/v1/", "/v1/job", "/v1/jobs/", "/v1/catalog", "/v1/catalog/roles", "/v1/jobs/x/nothing"]
    {
        let problem = problem(app.send(Method::GET, path, None).await, 404).await;
        assert_eq!(problem["code"], "unknown_path", "{path}");
        assert_eq!(problem["detail"], format!("there is no `{path}`"));
    }
    for path in ["/v2/jobs", "/healthz/", "/etc/passwd"] {
        let response = app.send(Method::GET, path, None).await;
        assert_eq!(response.status(), 404, "{path}");
    }
}

#[tokio::test]
async fn an_unknown_job_is_not_found() {
    let app = TestApp::without_ansible();
    for job in [NO_JOB, "/v1/jobs/1", "/v1/jobs/..%2f..%2fetc", "/v1/jobs/%00"] {
        for part in ["", "/events", "/log", "/result"] {
            let problem = problem(app.send(Method::GET, &format!("{job}{part}"), None).await, 404).await;
            assert_eq!(problem["code"], "unknown_job", "{job}{part}");
        }
        let problem = problem(app.send(Method::POST, &format!("{job}/cancel"), None).await, 404).await;
        assert_eq!(problem["code"], "unknown_job", "{job}/cancel");
    }
}

#[tokio::test]
async fn an_invalid_parameter_is_reported() {
    let app = TestApp::without_ansible();
    let events = format!("{NO_JOB}/events");
    for (path, parameter, value) in [
        ("/v1/jobs", "limit", "0"),
        ("/v1/jobs", "limit", "501"),
        ("/v1/jobs", "limit", "many"),
        ("/v1/jobs", "state", "done"),
        ("/v1/jobs", "before", "yesterday"),
        (NO_JOB, "wait", "-1"),
        (NO_JOB, "wait", "NaN"),
        (NO_JOB, "wait", "inf"),
        (NO_JOB, "wait", "3601"),
        (&events, "limit", "1001"),
        (&events, "after", "-1"),
        (&events, "after", "99999999999999999999"),
    ] {
        let response = app.send(Method::GET, &format!("{path}?{parameter}={value}"), None).await;
        let problem = problem(response, 422).await;
        assert_eq!(faults(&problem), [(parameter, "invalid_value")], "{path}?{parameter}={value}");
    }
    let bad_wait =
        app.send(Method::POST, "/v1/jobs?wait=soon", Some(&serde_json::json!({"bundle": "ping"}))).await;
    assert_eq!(faults(&problem(bad_wait, 422).await), [("wait", "invalid_value")]);
    assert_nothing_was_run(&app).await;
}

#[tokio::test]
async fn a_problem_carries_the_id_of_its_request() {
    let app = TestApp::without_ansible();
    let mut ids = Vec::new();
    for (given, is_kept) in
        [(Some("gateway-7_a.b"), true), (Some("has blanks"), false), (Some("{evil}"), false), (None, false)]
    {
        let mut request = Client::new().get(format!("{}/v1/nothing", app.address()));
        if let Some(given) = given {
            request = request.header("x-request-id", given);
        }
        // That the document and the header agree is part of being a problem.
        let problem = problem(request.send().await.expect("an answer"), 404).await;
        let id = problem["request_id"].as_str().expect("text").to_owned();
        assert_eq!(Some(id.as_str()) == given, is_kept, "{given:?} became {id}");
        ids.push(Value::from(id));
    }
    let count = ids.len();
    ids.sort_by_key(Value::to_string);
    ids.dedup();
    assert_eq!(ids.len(), count, "ids are different");
}
