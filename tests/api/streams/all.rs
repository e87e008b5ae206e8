//! The events of all jobs.

use serde_json::{Value, json};
use testkit::TestApp;

use super::{Stream, id};

fn positions(items: &[Value]) -> Vec<u64> {
    items.iter().map(|item| item["position"].as_u64().expect("a number")).collect()
}

fn of_job(items: &[Value], job: &Value) -> Vec<Value> {
    let mut items: Vec<Value> = items.iter().filter(|item| item["job_id"] == job["id"]).cloned().collect();
    for item in &mut items {
        let item = item.as_object_mut().expect("an object");
        item.shift_remove("position");
        item.shift_remove("job_id");
    }
    items
}

#[tokio::test]
async fn the_events_of_all_jobs_have_positions_without_a_gap_and_each_job_its_own() {
    let app = TestApp::new();
    let jobs = [app.run(&json!({"bundle": "ping"})).await, app.run(&json!({"bundle": "nohosts"})).await];
    let (mut items, mut after) = (Vec::new(), json!(0));
    while !after.is_null() {
        let page = app.get(&format!("/v1/events?limit=4&after={after}"), 200).await;
        items.extend(page["items"].as_array().expect("items").iter().cloned());
        after = page["next"].clone();
    }
    assert_eq!(positions(&items), (1..=items.len() as u64).collect::<Vec<_>>());
    for job in &jobs {
        assert_eq!(of_job(&items, job), job.events().await);
    }
    let lines = Stream::open(&app, "/v1/events?format=ndjson", &[]).await.values().await;
    assert_eq!(lines, items);
    let file = Stream::open(&app, "/v1/events?download=true&after=3", &[]).await;
    assert_eq!(file.header("content-disposition"), Some("attachment; filename=\"events.ndjson\""));
    assert_eq!(file.values().await, items[3..]);
    let ends = app.get("/v1/events?kind=job_state&limit=1000", 200).await;
    let moves: Vec<_> = items.iter().filter(|item| item["kind"] == "job_state").cloned().collect();
    assert_eq!(ends, json!({"items": moves, "next": null}));
}

#[tokio::test]
async fn a_stream_of_all_jobs_continues_from_one_job_to_the_next_and_ends_with_the_service() {
    let mut app = TestApp::new();
    let first = app.run(&json!({"bundle": "nohosts"})).await;
    let seen = app.get("/v1/events?limit=1000", 200).await["items"].as_array().expect("items").len() as u64;
    let last = seen.to_string();
    let headers = [("accept", "text/event-stream"), ("last-event-id", last.as_str())];
    let mut stream = Stream::open(&app, "/v1/events", &headers).await;
    let mut lines = Stream::open(&app, "/v1/events?format=ndjson&follow&kind=job_state", &[]).await;
    let jobs = [app.run(&json!({"bundle": "nohosts"})).await, app.run(&json!({"bundle": "ping"})).await];
    let total: u64 = jobs.iter().map(|job| job["events"].as_u64().expect("a number")).sum();
    let mut items = Vec::new();
    for position in seen + 1..=seen + total {
        let message = stream.message().await.expect("a message");
        assert_eq!(message.id, Some(position));
        items.push(message.json());
    }
    assert_eq!(positions(&items), (seen + 1..=seen + total).collect::<Vec<_>>());
    for job in &jobs {
        assert_eq!(of_job(&items, job), job.events().await);
    }
    let all_jobs = [&first, &jobs[0], &jobs[1]];
    for job in all_jobs {
        for _ in 0..3 {
            let line = lines.line().await.expect("a line");
            let item: Value = serde_json::from_str(&line).expect("JSON");
            assert_eq!(item["job_id"], id(job));
        }
    }
    app.stop();
    assert_eq!(stream.message().await, None, "a browser connects again");
    lines.try_line().await.expect_err("a record that is not whole does not end well");
}
