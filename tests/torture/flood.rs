//! Excessive output: a million events, a gibibyte of plain text.

use std::time::Instant;

use serde_json::{Value, json};
use testkit::{TestApp, WAIT_LIMIT};

use crate::{by_form, fake, is_long, memory::Peaks};

/// What a watcher saw of a job up to its end.
struct Seen {
    job: Value,
    early: Peaks,
    late: Peaks,
    seconds: f64,
    /// Events that the fake runner numbered.
    numbered: u64,
    /// Bytes of lines that were no events, ends of lines included.
    plain_bytes: u64,
    events: u64,
}

/// Follows a job by pages from its first event to its last, and asserts that none is missing, repeated, or out of order.
/// `tenth` is the number of the event at which the memory is first measured.
async fn watch(app: &TestApp, request: &Value, tenth: u64) -> Seen {
    let begun = Instant::now();
    let job = app.submit(request).await;
    let path = format!("/v1/jobs/{}", job["id"].as_str().expect("a job has an id"));
    let (mut early, mut late) = (None, Peaks::default());
    let (mut events, mut numbered, mut plain_bytes) = (0, 0, 0);
    let mut last_event = Instant::now();
    loop {
        // The job is read first: if it has ended, all events exist.
        let job = app.get(&path, 200).await;
        let page = app.get(&format!("{path}/events?limit=1000&after={events}"), 200).await;
        for event in page["items"].as_array().expect("a page has items") {
            events += 1;
            assert_eq!(event["seq"], events, "an event is missing or repeated");
            if let Some(number) = event["data"]["res"]["number"].as_u64() {
                numbered += 1;
                assert_eq!(number, numbered, "what was printed is missing or repeated");
            }
            if event["kind"] == "verbose" {
                plain_bytes += event["stdout"].as_str().map_or(0, |line| line.len() as u64 + 1);
            }
            last_event = Instant::now();
        }
        late.look(app);
        if events >= tenth {
            early.get_or_insert(late);
        }
        if page["items"] == json!([]) {
            if !job["finished_at"].is_null() {
                assert_eq!(job["events"], events, "{job:#}");
                let seconds = begun.elapsed().as_secs_f64();
                let early = early.unwrap_or(late);
                return Seen { job, early, late, seconds, numbered, plain_bytes, events };
            }
            assert!(last_event.elapsed() < WAIT_LIMIT, "nothing more comes: {job:#}");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
}

impl Seen {
    fn memory(&self) -> String {
        format!(
            "peak memory of the service {} MiB at 10 %, {} MiB at 100 %; of the supervisor {} and {} MiB",
            self.early.service, self.late.service, self.early.supervisor, self.late.supervisor
        )
    }
}

#[tokio::test]
async fn a_flood_of_events_arrives_whole_and_in_order() {
    let count: u64 = by_form(20_000, 1_000_000);
    let app = fake::setup().set("RANGEHAND__RUNS__OUTPUT_MAX_BYTES", "0").start();
    let seen = watch(&app, &fake::request(&json!({"mode": "events", "count": count})), count / 10).await;
    assert_eq!(seen.job["state"], "succeeded", "{:#}", seen.job);
    assert_eq!(seen.numbered, count);
    assert_eq!(seen.job["stats"]["localhost"]["ok"], count);
    seen.late.assert_flat_since(seen.early);
    println!(
        "figure: {count} events through supervisor, spool, store and a watcher | {:.0} events/s ({:.1} s in all); {} | \
         {} events seen once and in order, 0 missing",
        seen.events as f64 / seen.seconds,
        seen.seconds,
        seen.memory(),
        seen.events,
    );
}

#[tokio::test]
async fn a_run_that_prints_more_than_it_may_is_ended_and_keeps_what_it_printed() {
    let (printed, limit) = by_form((32_u64 << 20, 16_u64 << 20), (1 << 30, 256 << 20));
    let app = fake::setup().set("RANGEHAND__RUNS__OUTPUT_MAX_BYTES", limit.to_string()).start();
    let request = fake::request(&json!({"mode": "bytes", "count": printed}));
    let seen = watch(&app, &request, limit / 1024 / 10).await;
    let reason = &seen.job["reason"];
    assert_eq!((&seen.job["state"], &reason["code"]), (&json!("failed"), &json!("output_limit")));
    let message = reason["message"].as_str().expect("text");
    assert!(message.contains(&limit.to_string()) && message.contains("runs.output_max_bytes"), "{message}");
    // The first line is an event; whole lines of 1 KiB follow up to the limit.
    assert!(seen.plain_bytes <= limit && seen.plain_bytes + 4096 > limit, "kept {}", seen.plain_bytes);
    seen.late.assert_flat_since(seen.early);
    println!(
        "figure: {} MiB of output, limit {} MiB | ended after {:.1} s as failed/output_limit; {} | {} bytes kept, up to \
         the last whole line within the limit",
        printed >> 20,
        limit >> 20,
        seen.seconds,
        seen.memory(),
        seen.plain_bytes,
    );
}

#[tokio::test]
async fn a_gibibyte_of_output_without_a_limit_is_kept_whole() {
    if !is_long() {
        println!("skipped: only in the long form");
        return;
    }
    let printed: u64 = 1 << 30;
    let app = fake::setup().set("RANGEHAND__RUNS__OUTPUT_MAX_BYTES", "0").start();
    let request = fake::request(&json!({"mode": "bytes", "count": printed}));
    let seen = watch(&app, &request, printed / 1024 / 10).await;
    assert_eq!(seen.job["state"], "succeeded", "{:#}", seen.job);
    assert_eq!(seen.plain_bytes, printed);
    seen.late.assert_flat_since(seen.early);
    println!(
        "figure: {} MiB of output, no limit | {:.1} MiB/s ({:.1} s in all); {} | {} bytes in {} events, 0 missing",
        printed >> 20,
        (printed >> 20) as f64 / seen.seconds,
        seen.seconds,
        seen.memory(),
        seen.plain_bytes,
        seen.events,
    );
}
