//! Arbitrary bytes sent to a running service: queries, headers, WebSocket frames. It responds or closes the connection, and
//! keeps running.
//!
//! `PROPTEST_CASES` is the number of cases. `./torture.sh fuzz` runs many.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    time::Duration,
};

use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde_json::json;
use testkit::{Gate, TestApp, WAIT_LIMIT, http, until};

/// A part of the usual cases: each is a connection.
fn runner(part: u32) -> TestRunner {
    let usual = Config::default();
    TestRunner::new(Config { cases: (usual.cases / part).max(8), failure_persistence: None, ..usual })
}

/// Keys that are known and values near the borders of what they may hold.
fn query() -> impl Strategy<Value = String> {
    let key = "after|limit|from|follow|format|download|host|task|kind|changed|failed|wait|state|label|before|x|[a-z]{0,4}";
    let value = "|0|1|-1|1000|1001|9223372036854775807|9223372036854775808|1e3|NaN|true|false|text|ansi|html|json|sse|ndjson|\
                 queued|succeeded|%00|%ff|%C3%A9|%|%2|\\+|a=b|[!-~]{0,12}|[0-9]{0,40}";
    let pair = (key, value).prop_map(|(key, value)| format!("{key}={value}"));
    prop::collection::vec(pair, 0..5).prop_map(|pairs| {
        // A `#` or a blank would end the target, and following an endless list would not end.
        let query = pairs.join("&").replace(['#', ' '], "");
        if query.contains("wait") { query.replace("wait=", "wait=x") } else { query }
    })
}

fn headers() -> impl Strategy<Value = String> {
    let value = "|0|1|-1|9223372036854775808|1, 2|bytes=0-|bytes=5-1|lines=1-|text/event-stream|application/x-ndjson|\\*/\\*|\
                 [!-~]{0,20}|[0-9]{1,30}";
    let name = "last-event-id|range|accept|if-range|x-request-id|idempotency-key|origin";
    prop::collection::vec((name, value), 0..4).prop_map(|headers| {
        headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect::<String>()
    })
}

#[tokio::test]
async fn no_query_or_header_causes_an_internal_error() {
    let app = TestApp::new();
    let job = app.run(&json!({"bundle": "ping", "limit": "localhost"})).await;
    let id = job["id"].as_str().expect("an id");
    let paths = [
        format!("/v1/jobs/{id}/events"),
        format!("/v1/jobs/{id}/log"),
        format!("/v1/jobs/{id}"),
        "/v1/jobs".to_owned(),
        "/v1/catalog/bundles".to_owned(),
        "/v1/queue".to_owned(),
    ];
    let case = (prop::sample::select(paths.to_vec()), query(), headers());
    let result = runner(1).run(&case, |(path, query, headers)| {
        let answer = http::send_with(&app, "GET", &format!("{path}?{query}"), &headers, "");
        prop_assert!(answer.status < 500, "{}: {}", answer.status, answer.body);
        if answer.status >= 400 && answer.head.contains("application/problem+json") {
            prop_assert_eq!(&answer.json()["status"], &json!(answer.status));
        }
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
}

/// A frame that no correct client sends: any flags, any length, in any encoding, true or false, masked or not.
fn frame() -> impl Strategy<Value = Vec<u8>> {
    let payload = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..130),
        Just(b"hello".to_vec()),
        Just(vec![b'x'; 70_000]),
        Just(vec![0xff, 0xfe, 0xc0]),
    ];
    let claimed = prop_oneof![4 => Just(None), 1 => any::<u64>().prop_map(Some), 1 => Just(Some(1 << 62))];
    (any::<u8>(), prop::bool::weighted(0.8), payload, claimed, prop::sample::select(vec![0_u8, 126, 127]))
        .prop_map(|(head, masked, payload, claimed, form)| {
            let length = claimed.unwrap_or(payload.len() as u64);
            let mut bytes = vec![head];
            let mask = if masked { 0x80 } else { 0 };
            match form {
                0 if length < 126 => bytes.push(mask | u8::try_from(length).unwrap_or(125)),
                0 | 126 if length <= 0xffff => {
                    bytes.push(mask | 126);
                    bytes.extend(u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
                }
                _ => {
                    bytes.push(mask | 127);
                    bytes.extend(length.to_be_bytes());
                }
            }
            if masked {
                bytes.extend([1, 2, 3, 4]);
            }
            bytes.extend(payload);
            bytes
        })
}

fn open(app: &TestApp, path: &str) -> TcpStream {
    let host = app.address().strip_prefix("http://").expect("an address");
    let mut stream = TcpStream::connect(host).expect("the service listens");
    stream.set_read_timeout(Some(WAIT_LIMIT)).expect("a duration");
    stream.set_write_timeout(Some(Duration::from_secs(5))).expect("a duration");
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).expect("the service reads");
    let mut head = [0; 12];
    stream.read_exact(&mut head).expect("the service answers");
    assert_eq!(&head, b"HTTP/1.1 101");
    stream
}

fn resident(pid: i32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it lives");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
    line.trim().trim_end_matches("kB").trim().parse().expect("a number")
}

#[tokio::test]
async fn frames_of_any_kind_close_their_own_socket_and_nothing_else() {
    let app = TestApp::new();
    let gate = Gate::new(&app);
    let vars = json!({"gate": gate.path(), "fail": false});
    let job = app.submit(&json!({"bundle": "gate", "limit": "localhost", "extra_vars": vars})).await;
    job.until_task("Wait for the gate").await;
    let path = format!("/ws/{}", job["id"].as_str().expect("an id"));
    let before = resident(app.pid());
    let case = (prop::collection::vec(frame(), 1..5), prop::option::of(0_usize..40));
    let result = runner(4).run(&case, |(frames, cut)| {
        let mut stream = open(&app, &path);
        let mut bytes = frames.concat();
        bytes.truncate(bytes.len().saturating_sub(cut.unwrap_or(0)));
        // The service may close in the middle of it.
        let _ = stream.write_all(&bytes).and_then(|()| stream.shutdown(Shutdown::Write));
        let mut rest = Vec::new();
        // What was sent after a close is answered with a reset: that is an end, too.
        let ended = stream.read_to_end(&mut rest);
        let is_timeout = ended.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock);
        prop_assert!(!is_timeout, "the socket stays open");
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    let metrics = || {
        let answer = http::send_with(&app, "GET", "/metrics", "", "");
        assert_eq!(answer.status, 200);
        answer.body
    };
    until("no watcher is counted", || !watchers(&metrics()).iter().any(|count| *count > 0.0)).await;
    let grown = resident(app.pid()).saturating_sub(before);
    assert!(grown < 64 * 1024, "the service grew by {grown} KiB");
    gate.open();
    let job = job.until_state("succeeded").await;
    assert_eq!(job["rc"], 0);
}

/// The gauges of who watches.
fn watchers(metrics: &str) -> Vec<f64> {
    let lines = metrics.lines().filter(|line| line.starts_with("rangehand_watchers"));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse().ok()).collect()
}
