//! The events of a job, and its log.

use jiff::Timestamp;
use serde_json::{Value, json};
use testkit::TestApp;

#[tokio::test]
async fn events_record_everything_from_the_first_state_to_the_last() {
    let app = TestApp::new();
    let job = app.run(&json!({"bundle": "ping"})).await;
    let events = job.events().await;
    for (event, number) in events.iter().zip(1..) {
        assert_eq!(event["seq"], number);
        event["time"].as_str().expect("text").parse::<Timestamp>().expect("a time");
        for member in ["kind", "host", "play", "task", "data"] {
            assert!(event.get(member).is_some(), "{member} is missing in {event:#}");
        }
    }
    let moves: Vec<_> = events.iter().filter(|event| event["kind"] == "job_state").collect();
    let transitions: Vec<_> =
        moves.iter().map(|event| (&event["data"]["from"], &event["data"]["to"])).collect();
    let (queued, running, succeeded) = (json!("queued"), json!("running"), json!("succeeded"));
    assert_eq!(transitions, [(&Value::Null, &queued), (&queued, &running), (&running, &succeeded)]);
    assert_eq!(moves[2]["seq"], events.len(), "the last event is the end");

    let kinds: Vec<_> = events.iter().map(|event| event["kind"].as_str().expect("text")).collect();
    for kind in ["playbook_on_start", "playbook_on_play_start", "runner_on_start", "playbook_on_stats"] {
        assert!(kinds.contains(&kind), "{kinds:?}");
    }
    let reply =
        events.iter().find(|event| event["data"]["res"]["ping"] == "pong").expect("the module's reply");
    let place = (&reply["kind"], &reply["host"], &reply["play"], &reply["task"]);
    assert_eq!(
        place,
        (&json!("runner_on_ok"), &json!("localhost"), &json!("Ping"), &json!("Reach the host"))
    );
}

#[tokio::test]
async fn pages_of_events_add_up_to_the_whole() {
    let app = TestApp::new();
    let job = app.run(&json!({"bundle": "ping"})).await;
    let path = format!("/v1/jobs/{}/events", job["id"].as_str().expect("an id"));
    let whole = app.get(&path, 200).await;
    assert_eq!(whole["next"], Value::Null);
    let whole = whole["items"].as_array().expect("items").clone();
    let (mut pages, mut after) = (Vec::new(), json!(0));
    while !after.is_null() {
        let page = app.get(&format!("{path}?limit=2&after={after}"), 200).await;
        let items = page["items"].as_array().expect("items");
        assert!(items.len() <= 2, "{page:#}");
        pages.extend(items.iter().cloned());
        after = page["next"].clone();
    }
    assert_eq!(pages, whole);
    let beyond = app.get(&format!("{path}?after={}", whole.len()), 200).await;
    assert_eq!(beyond, json!({"items": [], "next": null}));
}

#[tokio::test]
async fn a_flood_of_lines_arrives_complete_and_in_order() {
    let app = TestApp::new();
    let request = json!({"bundle": "flood", "extra_vars": {"chunks": 1010, "chunk_lines": 100}});
    let job = app.run(&request).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    let log = job.log().await;
    let numbers: Vec<u32> = log
        .lines()
        .filter_map(|line| line.trim().trim_end_matches(',').strip_prefix("\"line ")?.strip_suffix('"'))
        .map(|number| number.parse().expect("a number"))
        .collect();
    assert_eq!(numbers.len(), 101_000);
    let misplaced = numbers.iter().zip(1..).find(|&(&found, wanted)| found != wanted);
    assert_eq!(misplaced, None, "every line once, in order");

    let events = job.events().await;
    assert!(events.len() > 1010, "{}", events.len());
    let misplaced = events.iter().zip(1_u64..).find(|&(event, wanted)| event["seq"] != wanted);
    assert_eq!(misplaced, None, "numbered without a gap");
    assert_eq!(events.len(), job["events"].as_u64().expect("a number") as usize);
}
