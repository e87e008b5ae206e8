//! Clients that request much and do not read it: they are disconnected, buffered data is limited, and other clients are served.

use std::{
    collections::BTreeSet,
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use rustix::net::{AddressFamily, SocketType, connect, socket, sockopt::set_socket_recv_buffer_size};
use serde_json::{Value, json};
use testkit::{
    Setup, TestApp, WAIT_LIMIT,
    access::{call_as, problem, token},
    until,
};

/// A job whose events, as one reply, are larger than what the kernel keeps for a connection.
const CHATTY: &str = "- hosts: all
  gather_facts: false
  tasks:
    - name: Print
      ansible.builtin.debug: {msg: \"{{ 'y' * 250000 }}\"}
      loop: \"{{ range(events | int) | list }}\"
      loop_control: {label: \"{{ item }}\"}
";
/// A short deadline, and what a busy machine may take besides.
const UNREAD_S: u64 = 3;
const AT_MOST: Duration = Duration::from_secs(45);

/// A service with tokens, an operator's token, and a job that has printed much.
async fn service(setup: Setup, events: u32) -> (TestApp, String, String) {
    let setup = setup.set("RANGEHAND__ACCESS__MODES", "token");
    setup.write("playbooks/bundles/chatty/main.yml", CHATTY);
    let app = setup.start();
    let operator = token(&app, "operator");
    let body =
        json!({"bundle": "chatty", "limit": "localhost", "extra_vars": {"events": events}}).to_string();
    let path = format!("/v1/jobs?wait={}", WAIT_LIMIT.as_secs());
    let job: Value = call_as(&app, &operator, "POST", &path, Some(&body)).await.json().await.expect("JSON");
    assert_eq!(job["state"], "succeeded", "{job:#}");
    let job = job["id"].as_str().expect("an id").to_owned();
    (app, operator, job)
}

/// Sends a request over a connection with a small receive buffer, and reads nothing.
fn ask(app: &TestApp, token: &str, path: &str, headers: &str) -> TcpStream {
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
    set_socket_recv_buffer_size(&socket, 4096).expect("the test owns it");
    let address = app.address().trim_start_matches("http://");
    connect(&socket, &address.parse::<SocketAddr>().expect("an address")).expect("it listens");
    let mut stream = TcpStream::from(socket);
    let request =
        format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).expect("it reads");
    stream
}

/// The status of the response, whose body stays unread.
fn status(stream: &mut TcpStream) -> u16 {
    stream.set_read_timeout(Some(WAIT_LIMIT)).expect("a duration");
    let mut begun = [0; 12];
    stream.read_exact(&mut begun).expect("a response");
    String::from_utf8_lossy(&begun[9..]).parse().expect("a status")
}

/// The ports of clients to which the service has a connection, from the kernel.
fn connected(app: &TestApp) -> BTreeSet<u16> {
    let own = app.address().rsplit(':').next().and_then(|port| port.parse::<u16>().ok()).expect("a port");
    let table = fs::read_to_string("/proc/net/tcp").expect("a table");
    let port = |address: &str| u16::from_str_radix(address.rsplit(':').next()?, 16).ok();
    let row = |line: &str| {
        let mut fields = line.split_whitespace().skip(1);
        let (local, remote, state) = (fields.next()?, fields.next()?, fields.next()?);
        (port(local)? == own && state == "01").then(|| port(remote)).flatten()
    };
    table.lines().skip(1).filter_map(row).collect()
}

fn ports(streams: &[TcpStream]) -> BTreeSet<u16> {
    streams.iter().map(|stream| stream.local_addr().expect("it is connected").port()).collect()
}

/// Memory of the service in bytes.
fn memory(app: &TestApp) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", app.pid())).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
    line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number") << 10
}

#[tokio::test]
async fn clients_that_do_not_read_a_list_a_stream_a_log_or_a_websocket_are_disconnected() {
    let (app, operator, job) =
        service(Setup::new().set("RANGEHAND__LIMITS__UNREAD_TIMEOUT_S", UNREAD_S.to_string()), 6).await;
    let websocket = "connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                     sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let asked = [
        (format!("/v1/jobs/{job}/events?limit=1000"), ""),
        (format!("/v1/jobs/{job}/events?format=sse"), ""),
        (format!("/v1/jobs/{job}/events?format=ndjson&follow=true"), ""),
        ("/v1/events?format=sse".to_owned(), ""),
        (format!("/v1/jobs/{job}/log"), ""),
        (format!("/v1/jobs/{job}/log?follow=true&format=html"), ""),
        (format!("/ws/{job}"), websocket),
    ];
    let begun = Instant::now();
    let streams: Vec<TcpStream> =
        asked.iter().map(|(path, headers)| ask(&app, &operator, path, headers)).collect();
    let theirs = ports(&streams);
    assert!(theirs.is_subset(&connected(&app)), "all are connected");
    // Others are served meanwhile.
    testkit::until_async("others are served", async || {
        call_as(&app, &operator, "GET", "/v1/jobs", None).await.status() == 200
    })
    .await;
    until("the service has closed them all", || theirs.is_disjoint(&connected(&app))).await;
    assert!(begun.elapsed() >= Duration::from_secs(UNREAD_S), "{:?}", begun.elapsed());
    assert!(begun.elapsed() < AT_MOST, "{:?}", begun.elapsed());
    let metrics =
        async || call_as(&app, &operator, "GET", "/metrics", None).await.text().await.expect("text");
    testkit::until_async("no stream is counted as open", async || {
        let metrics = metrics().await;
        let mut watchers = metrics.lines().filter(|line| line.starts_with("rangehand_watchers{"));
        watchers.all(|line| line.ends_with(" 0"))
    })
    .await;
    drop(streams);
}

#[tokio::test]
async fn what_waits_for_a_client_that_does_not_read_is_bounded_and_others_are_served() {
    let limit = 20_000_000;
    let (app, operator, job) =
        service(Setup::new().set("RANGEHAND__LIMITS__UNREAD_BYTES_PER_CLIENT", limit.to_string()), 20).await;
    let other = token(&app, "viewer");
    let path = format!("/v1/jobs/{job}/events?limit=1000");
    let whole = call_as(&app, &other, "GET", &path, None).await.bytes().await.expect("a list").len();
    assert!(whole > 8_000_000, "{whole}");
    let before = memory(&app);
    let mut streams = Vec::new();
    let mut statuses = Vec::new();
    for _ in 0..12 {
        let mut stream = ask(&app, &operator, &path, "");
        statuses.push(status(&mut stream));
        streams.push(stream);
    }
    let served = statuses.iter().filter(|status| **status == 200).count();
    let refused = statuses.iter().filter(|status| **status == 429).count();
    assert!(served >= 1 && refused >= 6 && served + refused == 12, "{statuses:?}");
    // One reply that is being made, and what the allocator keeps, come on top.
    let grown = memory(&app).saturating_sub(before);
    assert!(grown < limit + 8 * whole, "{grown} bytes for {served} replies of {whole}");
    let refusal = call_as(&app, &operator, "GET", &path, None).await;
    if refusal.status() == 429 {
        assert!(refusal.headers().contains_key("retry-after"));
        assert_eq!(problem(refusal, 429).await, "too_much_unread");
    }
    let list = call_as(&app, &other, "GET", &path, None).await;
    assert_eq!(list.bytes().await.expect("a list").len(), whole, "another client");
    drop(streams);
    testkit::until_async("a client that hung up has room again", async || {
        call_as(&app, &operator, "GET", &path, None).await.status() == 200
    })
    .await;
}

#[tokio::test]
async fn there_are_only_so_many_streams_in_all() {
    let app =
        Setup::new().set("RANGEHAND__ACCESS__MODES", "token").set("RANGEHAND__LIMITS__WATCHERS", "2").start();
    let (ann, bob) = (token(&app, "viewer"), token(&app, "viewer"));
    let stream = async |token: &str| call_as(&app, token, "GET", "/v1/events?format=sse", None).await;
    let (first, second) = (stream(&ann).await, stream(&bob).await);
    assert_eq!((first.status().as_u16(), second.status().as_u16()), (200, 200));
    assert_eq!(problem(stream(&bob).await, 429).await, "too_many_watchers");
    drop(first);
    testkit::until_async("room is made", async || stream(&bob).await.status() == 200).await;
    drop(second);
}
