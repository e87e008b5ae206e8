//! HTTP byte by byte, for what a client library would tidy up before it sends it: paths with `..`, lengths
//! without a body.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use serde_json::Value;

use crate::app::{PATIENCE, TestApp};

/// What came back.
pub(crate) struct Answer {
    /// The status code.
    pub status: u16,
    /// Everything before the body.
    pub head: String,
    /// The body.
    pub body: String,
}

impl Answer {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

/// Sends a request with a JSON body; the target goes into the request line as it is.
pub(crate) fn send(app: &TestApp, method: &str, target: &str, body: &str) -> Answer {
    let headers = format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len());
    send_with(app, method, target, &headers, body)
}

/// Sends a request with these header lines, each with its end.
pub(crate) fn send_with(app: &TestApp, method: &str, target: &str, headers: &str, body: &str) -> Answer {
    let address = app.address().strip_prefix("http://").expect("an address");
    let mut stream = TcpStream::connect(address).expect("the service listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a duration");
    let request =
        format!("{method} {target} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{headers}\r\n{body}");
    stream.write_all(request.as_bytes()).expect("the service reads");
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("the service answers");
    let text = String::from_utf8(bytes).expect("UTF-8");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Answer { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
}
