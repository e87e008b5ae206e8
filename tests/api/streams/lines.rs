//! Events as lines of JSON.

use serde_json::json;
use testkit::TestApp;

use super::{Stream, id, job_at_the_gate, numbers};

#[tokio::test]
async fn lines_of_json_end_where_the_job_is_or_follow_it_to_its_end() {
    let app = TestApp::new();
    let (job, gate) = job_at_the_gate(&app).await;
    let path = format!("/v1/jobs/{}/events", id(&job));
    let followed =
        Stream::open(&app, &format!("{path}?follow=true"), &[("accept", "application/x-ndjson")]).await;
    assert_eq!(followed.header("content-type"), Some("application/x-ndjson"));
    let so_far = Stream::open(&app, &format!("{path}?format=ndjson"), &[]).await.values().await;
    assert_eq!(so_far.last().expect("events")["task"], "Wait for the gate");
    gate.open();
    let followed = followed.values().await;
    assert_eq!(followed.last().expect("events")["data"]["to"], "succeeded");
    assert_eq!(followed, job.events().await);
    assert_eq!(followed[..so_far.len()], so_far);
    let rest = format!("{path}?format=ndjson&after={}", so_far.len());
    assert_eq!(Stream::open(&app, &rest, &[]).await.values().await, followed[so_far.len()..]);
}

#[tokio::test]
async fn a_download_is_the_whole_record_as_a_file() {
    let app = TestApp::new();
    // More than one batch of the follower.
    let vars = json!({"chunks": 150, "chunk_lines": 2});
    let job = app.run(&json!({"bundle": "flood", "limit": "localhost", "extra_vars": vars})).await;
    let path = format!("/v1/jobs/{}/events?download=true", id(&job));
    let file = Stream::open(&app, &path, &[]).await;
    let name = format!("attachment; filename=\"{}.ndjson\"", id(&job));
    assert_eq!(file.header("content-disposition"), Some(name.as_str()));
    assert_eq!(file.header("content-type"), Some("application/x-ndjson"));
    let events = file.values().await;
    assert!(events.len() > 150, "{}", events.len());
    assert_eq!(numbers(&events), (1..=events.len() as u64).collect::<Vec<_>>());
    assert_eq!(events, job.events().await);
}
