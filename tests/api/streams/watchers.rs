//! Many watchers of one job.

use serde_json::{Value, json};
use testkit::{
    Gate, TestApp,
    websocket::{WebSocket, log_lines},
};
use tokio::task::JoinSet;

use super::{Stream, id, numbers, printed};

const PLAYBOOK: &str = "- name: Watched
  hosts: all
  gather_facts: false
  tasks:
    - name: Before
      ansible.builtin.debug:
        msg: \"{{ range(item * 40, item * 40 + 40) | map('regex_replace', '^', 'line ') | list }}\"
      loop: \"{{ range(60) | list }}\"
    - name: Wait for the gate
      ansible.builtin.wait_for: {path: '{{ gate }}', timeout: 300, sleep: 1}
    - name: After
      ansible.builtin.debug:
        msg: \"{{ range(item * 40, item * 40 + 40) | map('regex_replace', '^', 'line ') | list }}\"
      loop: \"{{ range(60, 120) | list }}\"
";

/// What a watcher saw: numbers where its way of watching has them, and lines.
struct Seen {
    who: String,
    numbers: Option<Vec<u64>>,
    lines: Vec<String>,
}

/// Watches to the end; the kinds take turns, and number 2 reads a byte at a time.
async fn watch(number: usize, address: String, job: String) -> Seen {
    let events = format!("/v1/jobs/{job}/events");
    let (who, numbers, lines) = match number % 4 {
        0 => {
            let stream = Stream::at(&address, &events, &[("accept", "text/event-stream")]).await;
            let (events, end) = stream.messages().await;
            assert_eq!(end["state"], "succeeded");
            ("sse", Some(numbers(&events)), printed(&events))
        }
        1 => {
            let stream = Stream::at(&address, &format!("{events}?format=ndjson&follow"), &[]).await;
            let events = stream.values().await;
            ("ndjson", Some(numbers(&events)), printed(&events))
        }
        2 => {
            let path = format!("/ws/{job}");
            let socket = match number {
                2 => WebSocket::open_slow(&address, &path).await,
                _ => WebSocket::open(&address, &path, "").await.expect("it is accepted"),
            };
            let (frames, code) = socket.frames().await;
            assert_eq!((frames.last(), code), (Some(&json!({"type": "done"})), 1000));
            ("websocket", None, log_lines(&frames))
        }
        _ => {
            let path = format!("/v1/jobs/{job}/log?follow=true");
            ("log", None, Stream::at(&address, &path, &[]).await.lines().await)
        }
    };
    Seen { who: format!("{who} {number}"), numbers, lines }
}

/// Twenty watchers join: before the run, while it prints, while it waits, while it continues, and after its end. The moments
/// are those at which a first watcher has seen a certain number of events. One more joins first and reads nothing before the
/// run has ended: it delays no other watcher, and still gets every event.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_watchers_who_join_at_any_moment_see_the_same() {
    let app = TestApp::new();
    app.write("playbooks/bundles/watched/main.yml", PLAYBOOK);
    let gate = Gate::new(&app);
    let request = json!({"bundle": "watched", "limit": "localhost", "extra_vars": {"gate": gate.path()}});
    let job = app.submit(&request).await;
    let mut watchers = JoinSet::new();
    let mut join = |number: usize| {
        watchers.spawn(watch(number, app.address().to_owned(), id(&job).to_owned()));
    };
    let stalled = WebSocket::open_slow(app.address(), &format!("/ws/{}", id(&job))).await;
    (0..4).for_each(&mut join);
    let mut first =
        Stream::open(&app, &format!("/v1/jobs/{}/events?format=ndjson&follow", id(&job)), &[]).await;
    let mut events: Vec<Value> = Vec::new();
    let mut joined = 4;
    while let Some(line) = first.line().await {
        let event: Value = serde_json::from_str(&line).expect("JSON");
        if event["task"] == "Wait for the gate" && event["kind"] == "playbook_on_task_start" {
            gate.open();
        }
        events.push(event);
        if events.len().is_multiple_of(9) && joined < 17 {
            join(joined);
            joined += 1;
        }
    }
    assert_eq!(joined, 17, "{} events", events.len());
    (17..20).for_each(&mut join);
    assert_eq!(events.last().expect("events")["data"]["to"], "succeeded");
    let (frames, code) = stalled.frames().await;

    let wanted = numbers(&events);
    assert_eq!(wanted, (1..=events.len() as u64).collect::<Vec<_>>());
    let lines = printed(&events);
    assert!(lines.len() > 4800, "{}", lines.len());
    assert_eq!((log_lines(&frames) == lines, code), (true, 1000), "the one that read nothing during the run");
    let mut seen_by = 0;
    while let Some(seen) = watchers.join_next().await {
        let seen = seen.expect("the watcher saw the end");
        assert!(seen.numbers.is_none_or(|numbers| numbers == wanted), "{}: other numbers", seen.who);
        let differs = seen.lines.iter().zip(&lines).position(|(seen, wanted)| seen != wanted);
        assert_eq!((differs, seen.lines.len()), (None, lines.len()), "{}: other lines", seen.who);
        seen_by += 1;
    }
    assert_eq!(seen_by, 20);
}
