//! Callers: tokens, requests with credentials, WebSockets, and the audit log.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    process::Output,
    sync::OnceLock,
};

use crate::{app::TestApp, setup::Setup, surroundings::repository, wait::WAIT_LIMIT};
use reqwest::{Client, Method, Response};
use serde_json::Value;

/// A WebSocket of a job that is not there.
pub const NO_JOB: &str = "/ws/0190a8d2-7c3f-7a51-9f0e-2b6f5f0f4d11";

/// A service that takes API tokens only.
#[must_use]
pub fn with_tokens(setup: Setup) -> TestApp {
    setup.set("RANGEHAND__ACCESS__MODES", "token").start()
}

/// With the environment that the compose file defines for the service.
///
/// # Panics
///
/// If the compose file has another form.
#[must_use]
pub fn with_compose_settings(setup: Setup) -> Setup {
    let text = fs::read_to_string(repository("docker-compose.yml")).expect("there");
    let block = text.split("    environment:\n").nth(1).and_then(|rest| rest.split("    volumes:").next());
    let lines = block.expect("an environment").lines().filter(|line| !line.trim_start().starts_with('#'));
    let pairs = lines.filter_map(|line| line.trim().split_once(": "));
    let wanted = pairs.filter(|(name, _)| !matches!(*name, "PORT" | "PROJECT_ROOT_DIR"));
    wanted.fold(setup, |setup, (name, value)| setup.set(name, value.trim_matches('"')))
}

/// The records of the audit.
///
/// # Panics
///
/// If the program fails.
#[must_use]
pub fn audit_records(app: &TestApp) -> Vec<Value> {
    let lines = printed(app, &["audit", "list", "--json"]);
    lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// Runs a command of the program during the operation of the service.
///
/// # Panics
///
/// If the program does not start.
#[must_use]
pub fn run(app: &TestApp, arguments: &[&str]) -> Output {
    app.command().args(arguments).output().expect("the program runs")
}

/// What a command that must end well printed.
///
/// # Panics
///
/// If it does not end well.
pub fn printed(app: &TestApp, arguments: &[&str]) -> String {
    let output = run(app, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// A new token of this role.
#[must_use]
pub fn token(app: &TestApp, role: &str) -> String {
    printed(app, &["token", "create", "--name", role, "--role", role]).trim().to_owned()
}

/// A client that keeps no connection for its next call. To make one takes longer than a call does.
fn client() -> Client {
    static CLIENT: OnceLock<Client> = OnceLock::new();
    let make = || Client::builder().pool_max_idle_per_host(0).build().expect("there is a provider of TLS");
    CLIENT.get_or_init(make).clone()
}

/// A call with these headers; a body is sent as it is.
///
/// # Panics
///
/// Without an answer.
pub async fn call(
    app: &TestApp,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<&str>,
) -> Response {
    let method: Method = method.parse().expect("a method");
    let mut request = client().request(method, format!("{}{path}", app.address()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if let Some(body) = body {
        request = request.header("content-type", "application/json").body(body.to_owned());
    }
    request.send().await.expect("the service answers")
}

/// A call with a token.
pub async fn call_as(app: &TestApp, token: &str, method: &str, path: &str, body: Option<&str>) -> Response {
    call(app, method, path, &[("authorization", &format!("Bearer {token}"))], body).await
}

/// The status of GET with these headers.
pub async fn status(app: &TestApp, path: &str, headers: &[(&str, &str)]) -> u16 {
    call(app, "GET", path, headers, None).await.status().as_u16()
}

/// The `code` of a problem with this status.
///
/// # Panics
///
/// If the answer is something else.
pub async fn problem(response: Response, status: u16) -> String {
    let media_type = response.headers().get("content-type").cloned();
    let (found, text) = (response.status().as_u16(), response.text().await.expect("text"));
    assert_eq!(found, status, "{text}");
    assert_eq!(media_type.expect("a type"), "application/problem+json", "{text}");
    let document: Value = serde_json::from_str(&text).expect("JSON");
    document["code"].as_str().expect("a code").to_owned()
}

/// Requests a WebSocket. Returns the status, and the connection, which must be held to stay open.
///
/// # Panics
///
/// Without an answer.
#[must_use]
pub fn upgrade(app: &TestApp, path: &str, headers: &str) -> (u16, TcpStream) {
    upgrade_of(app, app.address().strip_prefix("http://").expect("an address"), path, headers)
}

/// The same, with another name in `Host`.
///
/// # Panics
///
/// Without an answer.
#[must_use]
pub fn upgrade_of(app: &TestApp, host: &str, path: &str, headers: &str) -> (u16, TcpStream) {
    let address = app.address().strip_prefix("http://").expect("an address");
    let mut stream = TcpStream::connect(address).expect("the service listens");
    stream.set_read_timeout(Some(WAIT_LIMIT)).expect("a duration");
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
    );
    stream.write_all(request.as_bytes()).expect("the service reads");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("the service answers");
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).expect("UTF-8");
    (head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status"), stream)
}

/// Waits for the end of a socket that was upgraded. Returns what came until then.
///
/// # Panics
///
/// If it cannot be read.
pub async fn rest_of(socket: TcpStream) -> Vec<u8> {
    let read = move || {
        let mut bytes = Vec::new();
        let mut socket = socket;
        socket.read_to_end(&mut bytes).expect("it ends");
        bytes
    };
    tokio::task::spawn_blocking(read).await.expect("it is read")
}
