//! A small WebSocket client (RFC 6455). Waiting for a frame can time out and continue later.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use serde_json::{Map, Value};
use testkit::http::{self, Endpoint};

/// An open connection.
#[derive(Debug)]
pub(crate) struct WebSocket {
    stream: TcpStream,
    /// What was read and is no whole frame yet.
    bytes: Vec<u8>,
    /// The code with which the service closed it; 1006 if it just hung up, 1005 if it gave none.
    pub closed: Option<u16>,
}

impl WebSocket {
    /// Opens a connection. Returns the status if it is refused.
    pub(crate) fn open(
        endpoint: &Endpoint,
        target: &str,
        headers: &Map<String, Value>,
    ) -> io::Result<Result<Self, u16>> {
        let mut stream = endpoint.connect();
        let request = endpoint.head("GET", target, headers)
            + "connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
               sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        stream.write_all(request.as_bytes())?;
        let (head, bytes) = http::read_head(&mut stream)?;
        match http::parse_head(&head) {
            // The answer to that key is an example of the specification.
            Some((101, _)) if head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") => {
                Ok(Ok(Self { stream, bytes, closed: None }))
            }
            Some((status, _)) if status != 101 => Ok(Err(status)),
            _ => Err(io::Error::other(format!("no upgrade: {head}"))),
        }
    }

    /// The next text; nothing if none comes in this time, or none will come any more.
    pub(crate) fn text(&mut self, within: Duration) -> Option<String> {
        let until = Instant::now() + within;
        while self.closed.is_none() {
            let Some((kind, payload)) = self.take_frame() else {
                if !self.read_until(until) {
                    return None;
                }
                continue;
            };
            match kind {
                1 => return Some(String::from_utf8_lossy(&payload).into_owned()),
                8 => self.closed = Some(payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code))),
                9 => self.send_frame(10, &payload),
                _ => {}
            }
        }
        None
    }

    /// Waits for bytes until a moment; false if none came.
    fn read_until(&mut self, until: Instant) -> bool {
        let left = until.saturating_duration_since(Instant::now());
        // A timeout of zero would mean none.
        if left.is_zero() || self.stream.set_read_timeout(Some(left)).is_err() {
            return false;
        }
        let mut part = [0; 65536];
        match self.stream.read(&mut part) {
            Ok(0) => self.closed = Some(1006),
            Ok(count) => self.bytes.extend(&part[..count]),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                return false;
            }
            Err(_) => self.closed = Some(1006),
        }
        true
    }

    fn take_frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let (kind, length) = (self.bytes.first()? & 0x0f, self.bytes.get(1)? & 0x7f);
        let (start, length) = match length {
            126 => (4, usize::from(u16::from_be_bytes(*self.bytes.get(2..)?.first_chunk()?))),
            127 => (10, usize::try_from(u64::from_be_bytes(*self.bytes.get(2..)?.first_chunk()?)).ok()?),
            length => (2, usize::from(length)),
        };
        let payload = self.bytes.get(start..start + length)?.to_vec();
        self.bytes.drain(..start + length);
        Some((kind, payload))
    }

    /// Sends a text.
    pub(crate) fn send(&mut self, text: &str) {
        self.send_frame(1, text.as_bytes());
    }

    /// Sends a close frame and disconnects.
    pub(crate) fn close(mut self) {
        if self.closed.is_none() {
            self.send_frame(8, &1000_u16.to_be_bytes());
        }
    }

    /// Frames of clients are masked; a mask of zeros is one. An error shows at the next read.
    fn send_frame(&mut self, kind: u8, payload: &[u8]) {
        let length = u16::try_from(payload.len()).expect("tests send short frames");
        let mut frame = vec![0x80 | kind];
        match u8::try_from(length) {
            Ok(length) if length < 126 => frame.push(0x80 | length),
            _ => frame.extend([&[0x80 | 126][..], &length.to_be_bytes()].concat()),
        }
        frame.extend([0; 4]);
        frame.extend(payload);
        let _ = self.stream.write_all(&frame);
    }
}
