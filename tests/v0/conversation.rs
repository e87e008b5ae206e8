//! Cases over a WebSocket.

use std::{
    io, thread,
    time::{Duration, Instant},
};

use serde_json::{Map, Value, json};
use testkit::{http::Endpoint, pve::Pve};

use crate::{
    case::{Conversation, PollCount},
    matcher::differences,
    websocket::WebSocket,
};

/// Runs the conversation and compares. Returns the differences, and all messages of the service.
pub(crate) fn run(
    endpoint: &Endpoint,
    pve: &Pve,
    conversation: &Conversation,
    expected: &Value,
) -> io::Result<(Vec<String>, String)> {
    let wanted = expected["frames"].as_array().map(Vec::as_slice).unwrap_or_default();
    let found = match WebSocket::open(endpoint, &conversation.path, &conversation.headers)? {
        Ok(socket) => talk(socket, pve, conversation, wanted)?,
        Err(status) => json!({ "handshake": status }),
    };
    let mut differing = differences("handshake", &expected["handshake"], &found["handshake"]);
    for part in ["frames", "close"] {
        if let Some(expected) = expected.get(part).filter(|_| differing.is_empty()) {
            differing = differences(part, expected, &found[part]);
        }
    }
    Ok((differing, found.to_string()))
}

fn talk(
    mut socket: WebSocket,
    pve: &Pve,
    conversation: &Conversation,
    wanted: &[Value],
) -> io::Result<Value> {
    let mut frames = Vec::new();
    for (index, step) in conversation.steps.iter().enumerate() {
        if let Some(change) = &step.pve {
            pve.control(change);
        }
        if let Some(text) = &step.send {
            socket.send(text);
        }
        let wanted = wanted.get(index).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        frames.push(read(&mut socket, wanted, Duration::from_secs(step.wait))?);
    }
    // Messages in place of the end are ignored.
    if socket.closed.is_none() {
        socket.text(Duration::from_secs(conversation.close_wait));
    }
    let closed = socket.closed;
    socket.close();
    Ok(json!({ "handshake": 101, "frames": frames, "close": closed }))
}

/// As many frames as are wanted, or those that come in this time if none are, or some.
fn read(socket: &mut WebSocket, wanted: &[Value], within: Duration) -> io::Result<Vec<Value>> {
    let until = Instant::now() + within;
    let open_end = wanted.is_empty() || wanted.iter().any(|frame| frame.get("$some").is_some());
    let mut frames = Vec::new();
    while open_end || frames.len() < wanted.len() {
        let Some(text) = socket.text(until.saturating_duration_since(Instant::now())) else { break };
        frames.push(serde_json::from_str(&text)?);
    }
    Ok(frames)
}

/// Counts the calls for a node that no other client queries. This test measures time itself.
pub(crate) fn count_polls(
    endpoint: &Endpoint,
    pve: &Pve,
    count: &PollCount,
    expected: &Value,
) -> io::Result<Vec<String>> {
    let node = count.path.rsplit_once("node=").map(|(_, node)| node).expect("the case names a node");
    let open = || WebSocket::open(endpoint, &count.path, &Map::new());
    let opened =
        (0..count.clients).map(|_| open()?.map_err(|status| io::Error::other(format!("refused: {status}"))));
    let mut clients = opened.collect::<io::Result<Vec<_>>>()?;
    thread::sleep(Duration::from_secs(count.hold));
    if let Some(after) = count.after {
        clients.drain(..).for_each(WebSocket::close);
        thread::sleep(Duration::from_secs(after));
        pve.forget_calls();
        thread::sleep(Duration::from_secs(count.watch));
    }
    let of_node = format!("/api2/json/nodes/{node}/");
    let calls = pve.calls();
    let polls =
        calls.iter().filter(|call| call["path"].as_str().is_some_and(|path| path.starts_with(&of_node)));
    let found = json!({ "polls": polls.count() });
    clients.into_iter().for_each(WebSocket::close);
    Ok(differences("count", expected, &found))
}
