//! The log of a job.

use serde_json::json;
use testkit::{Job, TestApp};

use super::{Stream, id, job_at_the_gate, printed};

fn joined(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

async fn flood(app: &TestApp) -> Job {
    let vars = json!({"chunks": 3, "chunk_lines": 4});
    app.run(&json!({"bundle": "flood", "limit": "localhost", "extra_vars": vars})).await
}

#[tokio::test]
async fn a_log_is_paged_by_line_regardless_of_events() {
    let app = TestApp::new();
    let job = flood(&app).await;
    let lines = printed(&job.events().await);
    let total = lines.len().to_string();
    assert!(lines.len() > 20, "{lines:?}");
    assert_eq!(job.log().await, joined(&lines));
    let path = format!("/v1/jobs/{}/log", id(&job));
    for size in [1, 3, 7, lines.len(), lines.len() + 1] {
        let (mut from, mut found) = (1, Vec::new());
        loop {
            let page = Stream::open(&app, &format!("{path}?from={from}&limit={size}"), &[]).await;
            assert_eq!(page.header("x-log-lines"), Some(total.as_str()));
            let next = page.header("x-log-next").map(|next| next.parse::<usize>().expect("a number"));
            found.extend(page.lines().await);
            let Some(next) = next else { break };
            assert_eq!(next, from + size);
            from = next;
        }
        assert_eq!(found, lines, "by {size}");
    }
    // From any line to the end, and from one that is not there.
    for from in [1, 2, 9, lines.len(), lines.len() + 1, lines.len() + 5] {
        let rest = Stream::open(&app, &format!("{path}?from={from}"), &[]).await;
        assert_eq!(rest.header("x-log-next"), None);
        assert_eq!(rest.lines().await, lines[(from - 1).min(lines.len())..], "from {from}");
    }
    for query in ["from=0", "limit=0", "format=pdf", "after=1"] {
        app.get(&format!("{path}?{query}"), 422).await;
    }
    app.get("/v1/jobs/0190a8d2-7c3f-7a51-9f0e-2b6f5f0f4d11/log", 404).await;
}

#[tokio::test]
async fn a_log_can_be_followed_from_any_line_to_the_end_of_the_job() {
    let app = TestApp::new();
    let (job, gate) = job_at_the_gate(&app).await;
    let path = format!("/v1/jobs/{}/log?follow=true", id(&job));
    let mut whole = Stream::open(&app, &path, &[]).await;
    let mut seen = vec![whole.line().await.expect("a line")];
    while !seen.last().is_some_and(|line| line.starts_with("TASK [Wait for the gate]")) {
        seen.push(whole.line().await.expect("a line"));
    }
    let late = Stream::open(&app, &format!("{path}&from={}", seen.len()), &[]).await;
    let later = Stream::open(&app, &format!("{path}&from={}", seen.len() + 3), &[]).await;
    let few = Stream::open(&app, &format!("{path}&from=2&limit={}", seen.len()), &[]).await;
    gate.open();
    seen.extend(whole.lines().await);
    let lines = printed(&job.events().await);
    assert_eq!(seen, lines);
    let place = lines.iter().position(|line| line.starts_with("TASK [Wait for the gate]")).expect("a task");
    assert_eq!(late.lines().await, lines[place..]);
    assert_eq!(later.lines().await, lines[place + 3..], "lines that were not there yet");
    assert_eq!(few.lines().await, lines[1..place + 2]);
    job.until_state("succeeded").await;
}

#[tokio::test]
async fn a_log_has_its_colours_or_is_a_page_without_anything_that_runs() {
    let app = TestApp::new();
    app.write(
        "playbooks/bundles/page/main.yml",
        "- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.debug: {msg: '<script>alert(1)</script> & \u{e9}'}
",
    );
    let job = app.run(&json!({"bundle": "page", "limit": "localhost"})).await;
    let path = format!("/v1/jobs/{}/log", id(&job));
    let events = job.events().await;
    let ansi = Stream::open(&app, &format!("{path}?format=ansi"), &[]).await.lines().await;
    let raw: Vec<_> = events
        .iter()
        .filter_map(|event| event["stdout"].as_str())
        .flat_map(|text| text.split('\n'))
        .collect();
    assert_eq!(ansi, raw);
    assert!(ansi.iter().any(|line| line.contains("\u{1b}[0;32m")), "{ansi:?}");

    let page = Stream::open(&app, &format!("{path}?format=html"), &[]).await;
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(page.header("content-security-policy").expect("a policy").starts_with("default-src 'none'"));
    let page = joined(&page.lines().await);
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</pre>\n</body>\n</html>\n"), "{page}");
    assert!(page.contains("<meta charset=\"utf-8\">") && page.contains("\u{e9}"), "{page}");
    assert!(page.contains("&lt;script&gt;") && !page.contains("<script"), "{page}");
    assert!(page.contains("<span style='color:") && !page.contains('\u{1b}'), "{page}");
}
