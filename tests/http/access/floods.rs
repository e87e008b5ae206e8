//! What a client without credentials, or with the lowest role, can make the service write and keep.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use testkit::{
    Setup, TestApp, WAIT_LIMIT,
    access::{call, call_as, token, with_tokens},
};

/// What every answer begins with.
const STATUS_LINE: &str = "HTTP/1.1 ";

fn connect(app: &TestApp) -> TcpStream {
    let stream = TcpStream::connect(app.address().trim_start_matches("http://")).expect("it listens");
    stream.set_read_timeout(Some(WAIT_LIMIT)).expect("a duration");
    stream
}

/// Sends many requests over one connection, and reads as many answers.
fn flood(app: &TestApp, request: &str, times: usize) {
    let mut stream = connect(app);
    let mut reader = stream.try_clone().expect("a socket");
    let sent = request.repeat(times);
    let writer = std::thread::spawn(move || {
        stream.write_all(sent.as_bytes()).expect("it reads");
        stream
    });
    let (mut seen, mut unread, mut buffer) = (0, Vec::new(), vec![0; 1 << 20]);
    while seen < times {
        let read = reader.read(&mut buffer).expect("an answer");
        assert!(read > 0, "the connection ended after {seen} answers");
        unread.extend_from_slice(&buffer[..read]);
        seen += String::from_utf8_lossy(&unread).matches(STATUS_LINE).count();
        // A status line may come in two parts.
        unread.drain(..unread.len().saturating_sub(STATUS_LINE.len() - 1));
    }
    drop(writer.join().expect("it wrote"));
}

#[tokio::test]
async fn refused_requests_do_not_flood_the_log() {
    let long = "x".repeat(8000);
    let host = |name: &str| format!("host: {name}\r\n\r\n");
    for (app, request) in [
        (with_tokens(Setup::without_ansible()), format!("GET /{long} HTTP/1.1\r\n{}", host("localhost"))),
        (
            with_tokens(Setup::without_ansible()),
            format!("GET /v1/jobs HTTP/1.1\r\nauthorization: Bearer {long}\r\n{}", host("localhost")),
        ),
        (Setup::without_ansible().start(), format!("GET /{long} HTTP/1.1\r\n{}", host("evil.example"))),
        (Setup::without_ansible().start(), format!("GET /v1/jobs HTTP/1.1\r\n{}", host(&long))),
        (
            with_tokens(Setup::without_ansible()),
            format!("GET /{long}{long} HTTP/1.1\r\n{}", host("localhost")),
        ),
    ] {
        let before = app.log().len();
        let begun = Instant::now();
        flood(&app, &request, 500);
        let grown = app.log().len() - before;
        let most = 2000 * (2 + usize::try_from(begun.elapsed().as_secs()).expect("a small number"));
        assert!(grown < most, "{grown} bytes for {}", &request[..40]);
        assert!(!app.log().contains(&"x".repeat(300)), "the path is shortened");
    }
}

#[tokio::test]
async fn a_line_about_a_served_request_is_short() {
    let app = Setup::without_ansible().start();
    let path = format!("/v1/jobs/{}", "x".repeat(8000));
    assert_eq!(call(&app, "GET", &path, &[], None).await.status(), 404);
    assert!(app.log().contains("answered") && !app.log().contains(&"x".repeat(300)));
}

#[tokio::test]
async fn faults_and_what_is_sent_back_of_a_request_are_limited() {
    let app = Setup::without_ansible().start();
    let (list, start) = ("/v0/admin/proxmox/vms/vm_ids/start", "/v0/admin/proxmox/vms/vm_id/start");
    let fields: serde_json::Map<String, Value> =
        (0..15_000).map(|at| (format!("field_{at}"), json!(1))).collect();
    let long = "y".repeat(500_000);
    for (path, body) in [
        (list, json!({"proxmox_node": "px", "vm_ids": vec![Value::Array(Vec::new()); 200_000]})),
        (list, json!({"proxmox_node": "px", "vm_ids": vec![Value::Array(Vec::new()); 5_000]})),
        (start, Value::Object(fields.clone())),
        (start, json!({"proxmox_node": "px", "vm_id": &long})),
        (start, json!({"proxmox_node": [&long], "vm_id": {"a": &long}})),
        ("/v1/jobs", Value::Object(fields)),
        ("/v1/jobs", json!({"bundle": "ping", "limit": &long, "tags": &long})),
        ("/v1/jobs", json!({"bundle": "ping", &long: 1})),
        ("/v1/jobs", json!({"bundle": "ping", "labels": {&long: "x"}, "resources": [&long]})),
        ("/v1/jobs", json!({"bundle": &long})),
        ("/v1/jobs", json!({"bundle": "ping", "extra_vars": {&long: 1}})),
    ] {
        let body = body.to_string();
        let answer = call(&app, "POST", path, &[], Some(&body)).await;
        let status = answer.status().as_u16();
        let text = answer.text().await.expect("text");
        assert!(matches!(status, 400 | 422), "{path}: {status} {}", &text[..text.len().min(300)]);
        assert!(
            text.len() < 500_000 && text.len() < body.len().max(20_000),
            "{path}: {} for {}",
            text.len(),
            body.len()
        );
    }
    // A small request is answered in full, as before.
    let answer = call(&app, "POST", start, &[], Some("{\"more\": 1}")).await;
    let answer: Value = answer.json().await.expect("JSON");
    assert_eq!(answer["detail"][0]["input"], json!({"more": 1}));
}

#[tokio::test]
async fn a_body_that_does_not_come_ends_its_connection() {
    let app = with_tokens(Setup::without_ansible());
    let token = token(&app, "operator");
    let begun = Instant::now();
    let mut streams: Vec<TcpStream> = ["/v1/jobs", "/v0/admin/debug/ping"]
        .into_iter()
        .map(|path| {
            let mut stream = connect(&app);
            let head = format!(
                "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
                 content-type: application/json\r\ncontent-length: 1000000\r\n\r\n{{\"a\":"
            );
            stream.write_all(head.as_bytes()).expect("it listens");
            stream
        })
        .collect();
    for stream in &mut streams {
        let mut answer = String::new();
        // Up to the end of the connection.
        stream.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    }
    assert!(begun.elapsed() < Duration::from_secs(40), "{:?}", begun.elapsed());
    assert_eq!(call_as(&app, &token, "GET", "/v1/jobs", None).await.status(), 200);
}

#[tokio::test]
async fn a_client_has_room_for_some_bodies_at_once() {
    let app = Setup::without_ansible().set("RANGEHAND__SERVER__BODY_LIMIT_BYTES", "100000").start();
    let head = "POST /v1/jobs HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 99000\r\n\r\n";
    let mut streams: Vec<TcpStream> = (0..40).map(|_| connect(&app)).collect();
    for stream in &mut streams {
        stream.write_all(head.as_bytes()).expect("it listens");
        stream.write_all(&[b' '; 90_000]).expect("it reads");
    }
    let answers = streams.into_iter().map(|mut stream| {
        let mut status = [0; 12];
        stream.read_exact(&mut status).expect("an answer");
        String::from_utf8_lossy(&status).into_owned()
    });
    let answers: Vec<String> = answers.collect();
    let refused = answers.iter().filter(|answer| answer.ends_with("429")).count();
    assert!(refused >= 20, "{answers:?}");
    assert_eq!(app.get("/healthz", 200).await["status"], "ok");
}
