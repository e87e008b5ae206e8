//! `/docs`, and whether the service behaves as documented.

mod fuzz;
mod pages;
mod ranges;
mod replies;
mod schemas;
mod scripts;

use regex::Regex;
use reqwest::Method;
use serde_json::Value;
use testkit::{Setup, TestApp, fixtures};

/// A service whose ansible-runner is the fake one, with empty content for every route of v0: calls take no time.
pub(crate) fn stub() -> Setup {
    let programs = fixtures().join("fake-runner");
    let setup = Setup::new().set("RANGEHAND__ANSIBLE__BIN_DIR", programs.to_string_lossy());
    setup.write("playbooks/generic.yml", "[]\n");
    let bundle = Regex::new("the bundle `([^`]+)`").expect("a pattern");
    for found in bundle.captures_iter(&rangehand::http::documents::openapi()) {
        for file in ["main", "init"] {
            setup.write(&format!("playbooks/bundles/{}/{file}.yml", &found[1]), "[]\n");
        }
    }
    setup.write("playbooks/scenarios/hello_range/main.yml", "[]\n");
    setup
}

#[tokio::test]
async fn the_document_that_is_served_is_the_one_that_is_exported() {
    let app = TestApp::new();
    let served = app.get("/docs/openapi.json", 200).await;
    let exported: Value =
        serde_json::from_str(&rangehand::http::documents::openapi()).expect("a JSON document");
    assert!(served == exported);
    let response = app.send(Method::HEAD, "/docs/openapi.json", None).await;
    assert_eq!(response.status(), 200);
    let tag = response.headers()["etag"].to_str().expect("text").to_owned();
    let again = reqwest::Client::new().get(format!("{}/docs/openapi.json", app.address()));
    let again = again.header("if-none-match", &tag).send().await.expect("an answer");
    assert_eq!((again.status().as_u16(), again.text().await.expect("text").as_str()), (304, ""));
}
