//! Text outside ASCII, terminal sequences, and control characters, in every output.

use serde_json::{Value, json};
use testkit::TestApp;

const PLAY: &str = "Ünïcödé 測試 🚀";
const TASK: &str = "Grüße, 世界 🎯 — שלום עולם, مرحبا";

#[tokio::test]
async fn text_outside_ascii_comes_back_unharmed() {
    let app = TestApp::new();
    let job = app.run(&json!({"bundle": "unicode"})).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");

    let result = json!({
        "clé": ["zażółć gęślą jaźń", "日本語", "👩\u{200d}👩\u{200d}👧\u{200d}👦", "é"],
        "astral": "𝕏 🚀",
        "rtl": "שלום, مرحبا",
        "ansi": "\u{1b}[31mred\u{1b}[0m",
        "control": "\u{1}\u{2}\u{8}\u{c}",
        "nul": "a\0b",
        "raw": "b\0c\r\n\u{1b}[31mred\u{1b}[0m",
        "separators": "a\u{2028}b\u{2029}c\u{85}d",
    });
    assert_eq!(job.results().await["unicode"], json!([result]));

    let events = job.events().await;
    let printed = event(&events, "runner_on_ok", TASK);
    assert_eq!(printed["play"], PLAY);
    assert_eq!(printed["data"]["res"]["stdout_lines"], result["clé"]);
    let raw = event(&events, "runner_on_ok", "A NUL and terminal sequences");
    assert_eq!(raw["data"]["res"]["stdout"], result["raw"], "an event's data is as the module gave it");
    let escaped = event(&events, "runner_on_ok", "Escape \u{1b}[1mbold\u{1b}[0m and bell \u{7} in a name");
    assert!(
        escaped["stdout"].as_str().is_some_and(|text| text.contains('\u{1b}')),
        "colours stay: {escaped:#}"
    );

    let log = job.log().await;
    assert!(!log.contains('\u{1b}'), "the log is plain");
    assert!(log.contains("TASK [Escape bold and bell  in a name]"), "a bell would ring: {log}");
    for text in [PLAY, TASK, "zażółć gęślą jaźń", "𝕏 🚀", "שלום, مرحبا", "line separator \u{2028}"]
    {
        assert!(log.contains(text), "`{text}` is not in\n{log}");
    }
}

#[tokio::test]
async fn text_of_a_request_comes_back_unharmed() {
    let app = TestApp::new();
    let message = "zażółć 日本語 🚀 שלום \u{1b}[31m \u{1} \u{85} \u{2028} \" ' \\ \t\r\n end";
    let request = json!({"bundle": "echo", "extra_vars": {
        "message": message, "vm_ids": ["1000", 1000, true, null, 1.5], "nested": {"clé": [message]},
    }});
    let job = app.run(&request).await;
    assert_eq!(job["request"]["extra_vars"], request["extra_vars"]);
    let results = job.results().await;
    assert_eq!(results["message"], json!([message]));
    assert_eq!(results["vm_ids"], json!([["1000", 1000, true, null, 1.5]]));
    assert_eq!(results["nested"], json!([{"clé": [message]}]));
}

fn event<'a>(events: &'a [Value], kind: &str, task: &str) -> &'a Value {
    let found = events.iter().find(|event| event["kind"] == kind && event["task"] == task);
    found.unwrap_or_else(|| panic!("no `{kind}` of `{task}` in {events:#?}"))
}
