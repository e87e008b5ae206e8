//! Jobs over HTTP: what comes back when all goes well.

use serde_json::json;

use crate::app::TestApp;

#[tokio::test]
async fn a_ping_comes_back_with_its_structured_result() {
    let app = TestApp::new();
    let job = app.run(&json!({"bundle": "ping", "limit": "localhost"})).await;
    assert_eq!(job["state"], "succeeded");
    assert_eq!(job["rc"], 0);
    assert_eq!(job["stats"]["localhost"]["ok"], 2);
    assert_eq!(app.results(&job).await["ping"], json!([{"host": "localhost", "reply": "pong"}]));
}
