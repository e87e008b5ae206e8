//! Swagger UI and ReDoc, as requests and in a browser.

use std::collections::BTreeSet;

use regex::Regex;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Browser, TestApp};

const PAGES: &[&str] = &["/docs/swagger", "/docs/redoc", "/docs/oauth2-redirect"];

#[tokio::test]
async fn pages_come_whole_from_the_service_and_may_load_nothing_else() {
    let app = TestApp::new();
    let links = Regex::new(r#"(?:src|href)="([^"]+)""#).expect("a pattern");
    for page in PAGES {
        assert_eq!(app.send(Method::HEAD, page, None).await.status(), 200);
        let response = app.send(Method::GET, page, None).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
        let policy = response.headers()["content-security-policy"].to_str().expect("text").to_owned();
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
        assert!(!policy.contains("http") && !policy.contains('*'), "{policy}");
        let text = response.text().await.expect("text");
        assert!(text.contains("<title>Rangehand"), "{text}");
        assert!(!text.contains("<script>"), "{page}: no script of its own");
        for found in links.captures_iter(&text) {
            let asset = app.send(Method::GET, &format!("/docs/{}", &found[1]), None).await;
            assert_eq!(asset.status(), 200, "{page}: {}", &found[1]);
            assert!(!asset.bytes().await.expect("content").is_empty());
        }
    }
}

#[tokio::test]
async fn other_paths_of_documents_are_unknown() {
    let app = TestApp::new();
    for path in
        ["/docs", "/docs/", "/redoc", "/openapi.json", "/docs/assets/other.js", "/docs/assets/..%2f..%2fetc"]
    {
        assert_eq!(app.get(path, 404).await, json!({ "detail": "Not Found" }), "{path}");
    }
    let refused = app.send(Method::POST, "/docs/swagger", None).await;
    assert_eq!(
        (refused.status().as_u16(), &refused.headers()["allow"]),
        (405, &"GET, HEAD".parse().expect("text"))
    );
    assert_eq!(refused.json::<Value>().await.expect("JSON"), json!({ "detail": "Method Not Allowed" }));
}

/// No host name resolves, so requests of a page to other hosts fail and are logged on its console.
#[tokio::test]
async fn both_pages_render_in_a_browser_without_a_network() {
    let app = TestApp::new();
    for (page, wanted) in [("swagger", "opblock-tag"), ("redoc", "/v0/admin/proxmox/vms/vm_id/start")] {
        let Some(browser) = Browser::find() else { return };
        let mut command = browser.command("MAP * ~NOTFOUND , EXCLUDE 127.0.0.1");
        command
            .args(["--virtual-time-budget=30000", "--dump-dom"])
            .arg(format!("{}/docs/{page}", app.address()));
        let output = tokio::task::spawn_blocking(move || command.output()).await.expect("it ends");
        let output = output.expect("a browser");
        let (document, log) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(document.contains(wanted), "{page} shows nothing:\n{log}");
        let said: BTreeSet<_> = log.lines().filter(|line| line.contains(":CONSOLE")).collect();
        assert!(said.is_empty(), "{page}: {said:#?}");
    }
}
