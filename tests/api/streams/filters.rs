//! Filters of events.

use serde_json::{Value, json};
use testkit::TestApp;

use super::{Stream, id, numbers};

const PLAYBOOK: &str = "- name: Mixed
  hosts: all
  gather_facts: false
  tasks:
    - name: Change
      ansible.builtin.command: 'true'
      loop: [1, 2, 3]
    - name: Look & see
      ansible.builtin.debug: {msg: seen}
    - name: Break
      ansible.builtin.command: 'false'
      when: inventory_hostname != 'node-b'
";

type Wanted = fn(&Value) -> bool;

fn is_changed(event: &Value) -> bool {
    let kinds = ["runner_on_ok", "runner_item_on_ok"];
    kinds.iter().any(|kind| event["kind"] == *kind) && event["data"]["res"]["changed"] == true
}

fn is_failed(event: &Value) -> bool {
    event["kind"] == "runner_on_failed"
}

#[tokio::test]
async fn filters_give_the_same_events_by_pages_as_lines_and_as_server_sent_events() {
    let app = TestApp::new();
    app.write("playbooks/bundles/mixed/main.yml", PLAYBOOK);
    let job = app.run(&json!({"bundle": "mixed", "inventory": "trio"})).await;
    assert_eq!(job["state"], "failed", "{job:#}");
    let all = job.events().await;
    let cases: [(&str, Wanted); 8] = [
        ("host=node-b", |event| event["host"] == "node-b"),
        ("task=Look%20%26%20see", |event| event["task"] == "Look & see"),
        ("kind=job_state", |event| event["kind"] == "job_state"),
        ("changed=true", is_changed),
        ("failed=true", is_failed),
        ("changed=true&failed=true", |event| is_changed(event) || is_failed(event)),
        ("host=node-a&changed", |event| event["host"] == "node-a" && is_changed(event)),
        ("host=absent", |_| false),
    ];
    for (filter, wanted) in cases {
        let expected: Vec<Value> = all.iter().filter(|event| wanted(event)).cloned().collect();
        assert_eq!(expected.is_empty(), filter == "host=absent", "{filter}");
        let path = format!("/v1/jobs/{}/events?{filter}", id(&job));
        assert_eq!(pages(&app, &path, 2).await, expected, "{filter}");
        let lines = Stream::open(&app, &format!("{path}&format=ndjson"), &[]).await.values().await;
        assert_eq!(lines, expected, "{filter}");
        let (messages, end) = Stream::open(&app, &format!("{path}&format=sse"), &[]).await.messages().await;
        assert_eq!((messages, end["state"].as_str()), (expected, Some("failed")), "{filter}");
    }
}

/// All items, page by page; only the last page may have no next one.
async fn pages(app: &TestApp, path: &str, limit: usize) -> Vec<Value> {
    let (mut items, mut after) = (Vec::new(), json!(0));
    loop {
        let page = app.get(&format!("{path}&limit={limit}&after={after}"), 200).await;
        let found = page["items"].as_array().expect("items").clone();
        let last = found.last().cloned();
        items.extend(found.iter().cloned());
        if page["next"].is_null() {
            return items;
        }
        assert_eq!(found.len(), limit, "only the last page is not full");
        assert_eq!(page["next"], last.expect("an event")["seq"]);
        after = page["next"].clone();
        // There is a further page only if it has events.
        let rest = app.get(&format!("{path}&limit=1000&after={after}"), 200).await;
        assert!(!numbers(rest["items"].as_array().expect("items")).is_empty());
    }
}

#[tokio::test]
async fn filters_that_are_none_are_refused() {
    let app = TestApp::new();
    let job = app.run(&json!({"bundle": "nohosts"})).await;
    for query in [
        "kind=no%20kind",
        "kind=",
        "changed=maybe",
        "failed=2",
        "limit=0",
        "after=-1",
        "hosts=a",
        "limit=1001",
    ] {
        for path in [format!("/v1/jobs/{}/events?{query}", id(&job)), format!("/v1/events?{query}")] {
            let problem = app.get(&path, 422).await;
            assert_eq!(problem["code"], "invalid_request", "{query}: {problem:#}");
        }
    }
    app.get("/v1/jobs/0190a8d2-7c3f-7a51-9f0e-2b6f5f0f4d11/events?format=sse", 404).await;
}
