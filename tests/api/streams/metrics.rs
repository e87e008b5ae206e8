//! Metrics for Prometheus.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::json;
use testkit::TestApp;

use super::{Stream, id, job_at_the_gate};

async fn figures(app: &TestApp) -> BTreeMap<String, u64> {
    let reply = app.send(Method::GET, "/metrics", None).await;
    assert_eq!(reply.status(), 200);
    assert_eq!(reply.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let text = reply.text().await.expect("text");
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples
        .map(|line| line.rsplit_once(' ').expect("a name and a value"))
        // Durations are fractions.
        .filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?)))
        .collect()
}

#[tokio::test]
async fn what_was_emitted_was_spooled_stored_and_delivered() {
    let app = TestApp::new();
    let mut runs = 0;
    let mut numbers = 0;
    for request in [json!({"bundle": "ping"}), json!({"bundle": "failing"}), json!({"bundle": "nohosts"})] {
        let job = app.run(&request).await;
        let moves = job.events().await.iter().filter(|event| event["kind"] == "job_state").count();
        let events = job["events"].as_u64().expect("a number");
        let path = format!("/v1/jobs/{}/events?format=ndjson", id(&job));
        assert_eq!(Stream::open(&app, &path, &[]).await.values().await.len() as u64, events);
        numbers += events;
        runs += events - moves as u64;
    }
    let figures = figures(&app).await;
    for stage in ["emitted", "spooled", "stored"] {
        assert_eq!(figures[&format!("rangehand_events_total{{stage=\"{stage}\"}}")], runs, "{figures:#?}");
    }
    assert_eq!(figures["rangehand_events_total{stage=\"delivered\"}"], numbers);
    assert_eq!(figures["rangehand_event_mismatch_total"], 0);
    assert_eq!(figures["rangehand_jobs{state=\"succeeded\"}"], 1);
    assert_eq!(figures["rangehand_jobs{state=\"failed\"}"], 2);
    assert!(figures["process_resident_memory_bytes"] > 1 << 20);
}

#[tokio::test]
async fn runs_and_watchers_are_counted_while_they_are_there() {
    let app = TestApp::new();
    let (job, gate) = job_at_the_gate(&app).await;
    let stream = Stream::open(&app, &format!("/v1/jobs/{}/events?format=sse", id(&job)), &[]).await;
    let now = figures(&app).await;
    assert_eq!(now["rangehand_watchers{kind=\"sse\"}"], 1);
    assert_eq!(now["rangehand_watchers{kind=\"ndjson\"}"], 0);
    assert_eq!(now["rangehand_runs_at_work"], 1);
    assert!(now["rangehand_runs_capacity"] >= 1);
    assert_eq!((now["rangehand_jobs{state=\"running\"}"], now["rangehand_queue_waiting"]), (1, 0));
    gate.open();
    stream.messages().await;
    let begun = std::time::Instant::now();
    while figures(&app).await["rangehand_watchers{kind=\"sse\"}"] > 0 {
        assert!(begun.elapsed() < testkit::WAIT_LIMIT, "the watcher is still counted");
        tokio::task::yield_now().await;
    }
}
