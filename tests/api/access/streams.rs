//! Streams and WebSockets: subject to access control, and limited.

use std::time::{Duration, Instant};

use reqwest::Response;
use serde_json::{Value, json};
use testkit::{
    FakePve, Gate, Setup, TestApp, WAIT_LIMIT,
    access::{NO_JOB, call, call_as, printed, problem, rest_of, token, upgrade, with_tokens},
    until,
};

use crate::ws_vm_status::inventory;

/// A token is checked every five seconds; the rest is for a busy machine.
const AT_MOST: Duration = Duration::from_secs(40);

#[tokio::test]
async fn a_websocket_needs_credentials_before_the_upgrade() {
    let app = with_tokens(Setup::new());
    let viewer = token(&app, "viewer");
    let revoked = token(&app, "viewer");
    printed(&app, &["token", "revoke", &revoked]);
    for path in [NO_JOB, "/ws/vm-status"] {
        assert_eq!(upgrade(&app, path, "").0, 401, "{path}");
        let header = |token: &str| format!("authorization: Bearer {token}\r\n");
        assert_eq!(upgrade(&app, path, &header(&viewer)).0, 101, "{path}");
        assert_eq!(upgrade(&app, path, &header(&revoked)).0, 401, "{path}");
        assert_eq!(upgrade(&app, &format!("{path}?access_token={viewer}"), "").0, 101, "{path}");
        assert_eq!(upgrade(&app, &format!("{path}?access_token={revoked}"), "").0, 401, "{path}");
        assert_eq!(upgrade(&app, &format!("{path}?access_token="), "").0, 401, "{path}");
    }
    let untrusted = "origin: https://evil.example\r\n";
    assert_eq!(upgrade(&app, &format!("{NO_JOB}?access_token={viewer}"), untrusted).0, 403);
    assert!(!app.log().contains(&viewer[16..]), "an address is not logged with its query");
}

#[tokio::test]
async fn a_stream_needs_credentials() {
    let app = with_tokens(Setup::new());
    let viewer = token(&app, "viewer");
    let sse = [("accept", "text/event-stream")];
    assert_eq!(call(&app, "GET", "/v1/events", &sse, None).await.status(), 401);
    let ndjson = "/v1/events?format=ndjson&follow=true";
    assert_eq!(call(&app, "GET", ndjson, &[], None).await.status(), 401);
    let response = call_as(&app, &viewer, "GET", "/v1/events?format=sse", None).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
}

/// A job that waits at its gate, for streams that follow it.
async fn standing_job(app: &TestApp, operator: &str) -> (String, Gate) {
    let gate = Gate::new(app);
    app.write("inventory/here.yml", "all: {hosts: {localhost: {ansible_connection: local}}}");
    let body = json!({"bundle": "gate", "inventory": "here", "extra_vars": {"gate": gate.path()}});
    let job = call_as(app, operator, "POST", "/v1/jobs", Some(&body.to_string())).await;
    let job: Value = job.json().await.expect("JSON");
    (job["id"].as_str().expect("an id").to_owned(), gate)
}

/// Opens each kind of stream with this token.
async fn streams(app: &TestApp, token: &str, job: &str) -> Vec<(String, Response)> {
    let mut streams = Vec::new();
    for path in [
        "/v1/events?format=sse".to_owned(),
        "/v1/events?format=ndjson&follow=true".to_owned(),
        format!("/v1/jobs/{job}/events?format=sse"),
        format!("/v1/jobs/{job}/events?format=ndjson&follow=true"),
        format!("/v1/jobs/{job}/log?follow=true"),
    ] {
        let response = call_as(app, token, "GET", &path, None).await;
        assert_eq!(response.status(), 200, "{path}");
        streams.push((path, response));
    }
    streams
}

/// The end of a stream, however it ends.
async fn end(mut stream: Response) {
    while let Ok(Some(_)) = stream.chunk().await {}
}

#[tokio::test]
async fn a_token_that_is_revoked_ends_every_stream_and_websocket_of_its_own_and_no_other() {
    let api = FakePve::start(Vec::new()).await;
    let setup = Setup::new().set("RANGEHAND__ACCESS__MODES", "token");
    setup.write("inventory/hosts.yml", &inventory(&api.host(), "geheim"));
    let app = setup.start();
    let (operator, viewer) = (token(&app, "operator"), token(&app, "viewer"));
    let (job, gate) = standing_job(&app, &operator).await;
    let sockets = |token: &str| {
        [format!("/ws/{job}"), "/ws/vm-status".to_owned()].map(|path| {
            let (status, socket) = upgrade(&app, &format!("{path}?access_token={token}"), "");
            assert_eq!(status, 101, "{path}");
            socket
        })
    };
    let (theirs, others) = (streams(&app, &viewer, &job).await, streams(&app, &operator, &job).await);
    let (their_sockets, other_sockets) = (sockets(&viewer), sockets(&operator));

    printed(&app, &["token", "revoke", &viewer]);
    let begun = Instant::now();
    for (path, stream) in theirs {
        let left = AT_MOST.saturating_sub(begun.elapsed());
        tokio::time::timeout(left, end(stream)).await.unwrap_or_else(|_| panic!("{path} stays open"));
    }
    for socket in their_sockets {
        let frames = rest_of(socket).await;
        // Close code 1008: the caller can't connect again.
        assert!(frames.ends_with(&[0x88, 2, 0x03, 0xf0]), "{frames:?}");
    }
    assert!(begun.elapsed() < AT_MOST, "{:?}", begun.elapsed());

    // The others continue to the end of the job, and report it.
    gate.open();
    for (path, stream) in others.into_iter().filter(|(path, _)| path.starts_with("/v1/jobs/")) {
        let text = tokio::time::timeout(WAIT_LIMIT, stream.text()).await.expect("the job ends");
        let text = text.unwrap_or_else(|error| panic!("{path} was broken off: {error}"));
        assert!(text.contains("End"), "{path}: {text}");
    }
    let [of_job, of_machines] = other_sockets;
    let frames = rest_of(of_job).await;
    assert!(frames.windows(6).any(|word| word == b"\"done\""), "{}", String::from_utf8_lossy(&frames));
    of_machines.set_nonblocking(true).expect("a socket");
    let mut seen = [0; 4096];
    while of_machines.peek(&mut seen).is_ok_and(|count| count > 0) {
        let count = std::io::Read::read(&mut &of_machines, &mut seen).expect("bytes");
        assert!(!seen[..count].contains(&0x88), "it was closed");
    }
    let still_open = of_machines.peek(&mut seen).expect_err("no end").kind();
    assert_eq!(still_open, std::io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn a_token_that_expires_ends_its_streams_at_that_time() {
    let app = with_tokens(Setup::new());
    let operator = token(&app, "operator");
    let (job, gate) = standing_job(&app, &operator).await;
    let arguments = ["token", "create", "--name", "brief", "--role", "viewer", "--expires-in", "6s"];
    let begun = Instant::now();
    let brief = printed(&app, &arguments).trim().to_owned();
    let streams = streams(&app, &brief, &job).await;
    let (status, socket) = upgrade(&app, &format!("/ws/{job}?access_token={brief}"), "");
    assert_eq!(status, 101);
    for (path, stream) in streams {
        tokio::time::timeout(AT_MOST, end(stream)).await.unwrap_or_else(|_| panic!("{path} stays open"));
        assert!(begun.elapsed() >= Duration::from_secs(6), "{path} ended early");
    }
    rest_of(socket).await;
    assert!(begun.elapsed() < AT_MOST, "{:?}", begun.elapsed());
    gate.open();
    until("the run is over", || app.run_directories().is_empty()).await;
}

#[tokio::test]
async fn a_client_has_only_so_many_streams_open() {
    let app = Setup::new()
        .set("RANGEHAND__ACCESS__MODES", "token")
        .set("RANGEHAND__LIMITS__WATCHERS_PER_CLIENT", "2")
        .start();
    let (ann, bob) = (token(&app, "viewer"), token(&app, "viewer"));
    let stream = |token: &str| {
        let (app, token) = (&app, token.to_owned());
        async move { call_as(app, &token, "GET", "/v1/events?format=sse", None).await }
    };
    let first = stream(&ann).await;
    let (status, socket) = upgrade(&app, &format!("/ws/vm-status?access_token={ann}"), "");
    assert_eq!((first.status().as_u16(), status), (200, 101));
    // Of a node without credentials the socket is closed at once, and makes room again.
    drop(socket);
    let begun = std::time::Instant::now();
    let second = loop {
        let response = stream(&ann).await;
        if response.status() == 200 {
            break response;
        }
        assert!(begun.elapsed() < WAIT_LIMIT, "no slot becomes free");
    };
    assert_eq!(problem(stream(&ann).await, 429).await, "too_many_watchers");
    assert_eq!(upgrade(&app, &format!("{NO_JOB}?access_token={ann}"), "").0, 429);
    assert_eq!(stream(&bob).await.status(), 200, "another client");
    drop(second);
    while stream(&ann).await.status() != 200 {
        assert!(begun.elapsed() < WAIT_LIMIT, "no slot becomes free");
    }
    drop(first);
}
