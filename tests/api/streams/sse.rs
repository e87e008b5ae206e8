//! Server-sent events of a job.

use serde_json::{Value, json};
use testkit::TestApp;

use super::{Stream, id, job_at_the_gate, numbers};

#[tokio::test]
async fn server_sent_events_have_every_number_and_end_with_the_job() {
    let app = TestApp::new();
    let (job, gate) = job_at_the_gate(&app).await;
    let path = format!("/v1/jobs/{}/events", id(&job));
    let stream = Stream::open(&app, &path, &[("accept", "text/event-stream")]).await;
    assert_eq!(stream.header("content-type"), Some("text/event-stream"));
    assert_eq!(stream.header("cache-control"), Some("no-store"));
    gate.open();
    let (events, end) = stream.messages().await;
    let shown = app.get(&format!("/v1/jobs/{}", id(&job)), 200).await;
    for (name, value) in end.as_object().expect("a job") {
        assert_eq!(value, &shown[name], "{name}");
    }
    assert_eq!(end["state"], "succeeded");
    assert_eq!(numbers(&events), (1..=events.len() as u64).collect::<Vec<_>>());
    assert_eq!(events, job.events().await);

    // Of a job that has ended the same comes at once.
    let again = Stream::open(&app, &format!("{path}?format=sse"), &[]).await.messages().await;
    assert_eq!(again, (events, end));
}

#[tokio::test]
async fn a_client_that_reconnects_with_the_last_number_misses_and_repeats_nothing() {
    let app = TestApp::new();
    let (job, gate) = job_at_the_gate(&app).await;
    let path = format!("/v1/jobs/{}/events?format=sse&after=1", id(&job));
    let mut seen = Vec::new();
    // The header wins over the address, which is that of the first time.
    for count in [2, 1, 1] {
        let last = seen.last().map(ToString::to_string);
        let headers: Vec<_> = last.iter().map(|last| ("last-event-id", last.as_str())).collect();
        let mut stream = Stream::open(&app, &path, &headers).await;
        for _ in 0..count {
            seen.push(stream.message().await.expect("a message").id.expect("a number"));
        }
    }
    assert_eq!(seen, [2, 3, 4, 5]);
    gate.open();
    let (rest, _) = Stream::open(&app, &path, &[("last-event-id", "5")]).await.messages().await;
    seen.extend(numbers(&rest));
    assert_eq!(seen, (2..=seen.len() as u64 + 1).collect::<Vec<_>>());
    let job = job.until_state("succeeded").await;
    assert_eq!(seen.last().copied(), job["events"].as_u64());

    // Exclusive to the very end. A value that is not a number is ignored.
    let last = job["events"].to_string();
    let (none, _) = Stream::open(&app, &path, &[("last-event-id", &last)]).await.messages().await;
    assert_eq!(none, Vec::<Value>::new());
    let (all, _) = Stream::open(&app, &path, &[("last-event-id", "x")]).await.messages().await;
    assert_eq!(numbers(&all), seen);
}

#[tokio::test]
async fn a_stream_with_a_limit_ends_after_so_many() {
    let app = TestApp::new();
    let job = app.run(&json!({"bundle": "ping", "limit": "localhost"})).await;
    let path = format!("/v1/jobs/{}/events?format=sse&limit=3&after=2", id(&job));
    let mut stream = Stream::open(&app, &path, &[]).await;
    for number in 3..=5 {
        assert_eq!(stream.message().await.expect("a message").id, Some(number));
    }
    assert_eq!(stream.message().await, None, "no `end`: the job has more events");
}
