//! Invalid requests: a clear problem document, nothing lost, nothing run.

mod bodies;
mod fields;
mod names;
mod requests;
mod traversal;

use reqwest::{Method, Response};
use serde_json::{Value, json};
use testkit::TestApp;

/// POSTs a job that must be refused. Returns the problem.
async fn refused(app: &TestApp, request: &Value, status: u16) -> Value {
    problem(app.send(Method::POST, "/v1/jobs", Some(request)).await, status).await
}

/// Checks that an answer is a whole problem document with this status. Returns it.
async fn problem(response: Response, status: u16) -> Value {
    let header = |name: &str| {
        response.headers().get(name).map(|value| value.to_str().expect("text").to_owned()).unwrap_or_default()
    };
    let (media_type, request_id) = (header("content-type"), header("x-request-id"));
    let (found, text) = (response.status(), response.text().await.expect("text"));
    assert_eq!(found, status, "{text}");
    let problem: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(media_type, "application/problem+json", "{text}");
    assert_eq!(problem["status"], status);
    assert_eq!(problem["request_id"], request_id);
    let code = problem["code"].as_str().expect("a code");
    assert_eq!(problem["type"], format!("urn:rangehand:problem:{code}"));
    for member in ["title", "detail"] {
        assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{member}: {problem:#}");
    }
    problem
}

/// The faults of a problem as (field, code).
fn faults(problem: &Value) -> Vec<(&str, &str)> {
    let errors = problem["errors"].as_array().expect("a problem with fields");
    for error in errors {
        assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{problem:#}");
    }
    errors.iter().filter_map(|fault| Some((fault["field"].as_str()?, fault["code"].as_str()?))).collect()
}

async fn assert_nothing_was_run(app: &TestApp) {
    assert_eq!(app.get("/v1/jobs", 200).await, json!({"items": [], "next": null}));
}
