//! `/ws/{job_id}`, with the frames that CloudLaunch expects.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{
    Setup, TestApp,
    websocket::{Frame, WebSocket, log_lines},
};

use super::{Stream, id, job_at_the_gate, printed};

fn frame(kind: &str, data: impl Into<Value>) -> Value {
    json!({"type": kind, "data": data.into()})
}

async fn watch(app: &TestApp, job: &Value) -> WebSocket {
    WebSocket::open(app.address(), &format!("/ws/{}", id(job)), "").await.expect("it is accepted")
}

#[tokio::test]
async fn a_running_job_is_sent_from_its_first_line_to_done() {
    let app = TestApp::new();
    let (job, gate) = job_at_the_gate(&app).await;
    let mut socket = watch(&app, &job).await;
    let mut past = Vec::new();
    loop {
        match socket.frame().await {
            Frame::Text(message) if message["type"] == "log" => past.push(message),
            message => {
                assert_eq!(message, Frame::Text(frame("status", "running")), "after the past");
                break;
            }
        }
    }
    assert!(log_lines(&past).iter().any(|line| line.starts_with("TASK [Wait for the gate]")), "{past:?}");
    gate.open();
    let (live, code) = socket.frames().await;
    let lines = [log_lines(&past), log_lines(&live)].concat();
    assert_eq!(lines, printed(&job.events().await));
    let end = &live[live.iter().take_while(|message| message["type"] == "log").count()..];
    assert_eq!(end, [frame("status", "succeeded"), json!({"type": "done"})]);
    assert_eq!(code, 1000);
}

#[tokio::test]
async fn an_ended_job_is_sent_at_once_with_its_result_or_its_error() {
    let app = TestApp::new();
    let job = app.run(&json!({"bundle": "ping", "limit": "localhost"})).await;
    let (frames, code) = watch(&app, &job).await.frames().await;
    let lines = printed(&job.events().await);
    assert_eq!(log_lines(&frames), lines);
    let results = job.results().await;
    let end = [frame("status", "succeeded"), frame("result", results), json!({"type": "done"})];
    assert_eq!((&frames[lines.len()..], code), (&end[..], 1000));

    let job = app.run(&json!({"bundle": "nohosts"})).await;
    let (frames, code) = watch(&app, &job).await.frames().await;
    let lines = log_lines(&frames).len();
    let end = [
        frame("status", "failed"),
        frame("error", job["reason"]["message"].clone()),
        json!({"type": "done"}),
    ];
    assert_eq!((&frames[lines..], code), (&end[..], 1000));
}

#[tokio::test]
async fn an_unknown_job_gets_an_error_and_close_code_4004() {
    let app = TestApp::new();
    for id in ["0190a8d2-7c3f-7a51-9f0e-2b6f5f0f4d11", "x"] {
        let socket = WebSocket::open(app.address(), &format!("/ws/{id}"), "").await.expect("it is accepted");
        let message = vec![frame("error", format!("Job '{id}' not found."))];
        assert_eq!(socket.frames().await, (message, 4004));
    }
    assert_eq!(app.send(Method::GET, "/ws/x", None).await.status(), 400, "no upgrade");
    assert_eq!(app.send(Method::POST, "/ws/x", None).await.status(), 405);
}

#[tokio::test]
async fn a_page_of_an_unknown_origin_is_refused_before_the_upgrade() {
    let app = Setup::new().set("RANGEHAND__SERVER__CORS_ORIGIN_REGEX", "^https://good\\.example$").start();
    let open = |origin: &'static str| WebSocket::open(app.address(), "/ws/x", origin);
    assert_eq!(open("origin: https://evil.example\r\n").await.err(), Some(403));
    assert_eq!(open("origin: null\r\n").await.err(), Some(403));
    assert_eq!(open("origin: https://good.example\r\n").await.err(), None);
    assert_eq!(open("").await.err(), None, "programs send none");
}

#[tokio::test]
async fn a_quiet_job_is_shown_alive_and_stays_running_however_long_it_is_quiet() {
    let app = TestApp::new();
    let (job, gate) = job_at_the_gate(&app).await;
    let path = format!("/v1/jobs/{}/events?format=sse", id(&job));
    let mut events = Stream::open(&app, &path, &[]).await;
    let mut socket = watch(&app, &job).await;
    let ping = async { while socket.frame().await != Frame::Text(json!({"type": "ping"})) {} };
    let heartbeat = async { while events.message().await.expect("a message").comment.is_none() {} };
    tokio::join!(ping, heartbeat);
    let now = app.get(&format!("/v1/jobs/{}", id(&job)), 200).await;
    assert_eq!(now["state"], "running");
    gate.open();
    job.until_state("succeeded").await;
    assert_eq!(socket.frames().await.1, 1000);
}
