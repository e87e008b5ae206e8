//! All routes, one by one: without credentials, with a role too low, with a revoked token, with the right role.

use rangehand::http::{
    endpoint::{Dialect, Endpoint},
    endpoints,
};
use reqwest::Response;
use serde_json::Value;
use testkit::{
    Setup, TestApp,
    access::{call, call_as, printed, token, with_tokens},
};

/// A call of an endpoint.
#[derive(Debug, Clone, Copy)]
struct Row {
    method: &'static str,
    endpoint: &'static Endpoint,
}

/// Every method that every endpoint answers.
fn rows() -> impl Iterator<Item = Row> {
    endpoints().iter().flat_map(|endpoint| {
        // Without an upgrade its path doesn't exist, for any method.
        let any = endpoint.is_hidden_without_upgrade.then_some("PATCH");
        endpoint.methods().chain(any).map(move |method| Row { method, endpoint })
    })
}

impl Row {
    /// The path with something in place of its parameters that does not exist.
    fn path(&self) -> String {
        const NO_JOB: &str = "0190a8d2-7c3f-7a51-9f0e-2b6f5f0f4d11";
        self.endpoint
            .path
            .replace("{id}", NO_JOB)
            .replace("{job_id}", NO_JOB)
            .replace("{name}", "nothing")
            .replace("{file}", "nothing")
    }
}

/// No JSON, so that nothing is run by it.
fn body(row: &Row) -> Option<&'static str> {
    (!matches!(row.method, "GET" | "HEAD")).then_some("{")
}

/// Asserts a rejection in the format of its interface.
async fn refused(row: &Row, response: Response, status: u16) {
    let headers = response.headers().clone();
    let text = response.text().await.expect("text");
    let reply: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{row:?} {error}: {text}"));
    let (media_type, member) = match row.endpoint.dialect() {
        Dialect::V0 => ("application/json", "detail"),
        Dialect::V1 => ("application/problem+json", "code"),
    };
    assert_eq!(headers["content-type"], media_type, "{row:?}");
    assert!(reply[member].is_string(), "{row:?}: {text}");
    assert_eq!(headers.contains_key("www-authenticate"), status == 401, "{row:?}");
    assert!(headers.contains_key("x-request-id"), "{row:?}");
}

async fn calls(app: &TestApp, row: &Row, token: Option<&str>) -> Response {
    match token {
        Some(token) => call_as(app, token, row.method, &row.path(), body(row)).await,
        None => call(app, row.method, &row.path(), &[], body(row)).await,
    }
}

#[tokio::test]
async fn every_route_requires_authentication_and_its_role() {
    let app = with_tokens(Setup::without_ansible());
    let tokens = ["viewer", "operator", "admin"].map(|role| (role, token(&app, role)));
    let of = |role: &str| tokens.iter().find(|(known, _)| *known == role).map(|(_, token)| token.as_str());
    let revoked = token(&app, "admin");
    printed(&app, &["token", "revoke", &revoked]);
    let (mut open, mut guarded) = (0, 0);
    for row in rows() {
        let Some(role) = row.endpoint.access.role() else {
            let status = calls(&app, &row, None).await.status().as_u16();
            assert!(!matches!(status, 401 | 403 | 429), "{row:?}: {status}");
            open += 1;
            continue;
        };
        for (who, wanted) in [(None, 401), (Some(revoked.as_str()), 401)] {
            let response = calls(&app, &row, who).await;
            assert_eq!(response.status(), wanted, "{row:?}");
            refused(&row, response, wanted).await;
        }
        let too_low = match role.as_str() {
            "admin" => of("operator"),
            "operator" => of("viewer"),
            _ => None,
        };
        if let Some(too_low) = too_low {
            let response = calls(&app, &row, Some(too_low)).await;
            assert_eq!(response.status(), 403, "{row:?}");
            refused(&row, response, 403).await;
        }
        let status = calls(&app, &row, of(role.as_str())).await.status().as_u16();
        assert!(!matches!(status, 401 | 403), "{row:?}: {status}");
        guarded += 1;
    }
    assert!(open >= 4 && guarded > 80, "{open} and {guarded} routes");
}

#[tokio::test]
async fn unknown_paths_and_methods_are_reported_only_to_authenticated_callers() {
    let app = with_tokens(Setup::without_ansible());
    let viewer = token(&app, "viewer");
    for (method, path, wanted) in [
        ("GET", "/v1/nothing", 404),
        ("GET", "/nothing", 404),
        ("POST", "/v0/nothing", 404),
        ("PUT", "/v1/jobs", 405),
        ("GET", "/v0/admin/debug/ping", 405),
        ("PATCH", "/ws/vm-status", 404),
    ] {
        assert_eq!(call(&app, method, path, &[], None).await.status(), 401, "{method} {path}");
        let response = call_as(&app, &viewer, method, path, None).await;
        assert_eq!(response.status(), wanted, "{method} {path}");
        assert_eq!(response.headers().contains_key("allow"), wanted == 405, "{method} {path}");
    }
}

#[tokio::test]
async fn a_path_written_otherwise_is_the_same_path() {
    let app = with_tokens(Setup::without_ansible());
    let viewer = token(&app, "viewer");
    for path in ["/v1/%6Aobs", "/%76%31/jobs", "/v1/jobs?x=1"] {
        assert_eq!(call(&app, "POST", path, &[], Some("{")).await.status(), 401, "{path}");
        assert_eq!(call_as(&app, &viewer, "POST", path, Some("{")).await.status(), 403, "{path}");
    }
}

#[tokio::test]
async fn what_is_open_says_little() {
    let app = with_tokens(Setup::without_ansible());
    let viewer = token(&app, "viewer");
    assert_eq!(call(&app, "GET", "/healthz", &[], None).await.status(), 200);
    let ready: Value = call(&app, "GET", "/readyz", &[], None).await.json().await.expect("JSON");
    let members: Vec<&String> = ready.as_object().expect("an object").keys().collect();
    assert_eq!(members, ["status"], "{ready}");
    let ready: Value = call_as(&app, &viewer, "GET", "/readyz", None).await.json().await.expect("JSON");
    assert!(ready["checks"].is_array(), "{ready}");
}
