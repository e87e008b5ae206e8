//! A small WebSocket client (RFC 6455) that reads no more bytes than requested: the others stay with the service.

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpSocket,
    net::TcpStream,
    time::timeout,
};

use crate::wait::WAIT_LIMIT;

/// An open connection.
pub struct WebSocket {
    stream: TcpStream,
    /// How many bytes it reads at once.
    step: usize,
}

/// What the service sent.
#[derive(Debug, PartialEq)]
pub enum Frame {
    /// A text, which is JSON.
    Text(Value),
    /// The code of the close.
    Close(u16),
}

impl WebSocket {
    /// Opens a connection. Returns the status when it is refused.
    ///
    /// # Errors
    ///
    /// The status, if it is refused.
    pub async fn open(address: &str, path: &str, headers: &str) -> Result<Self, u16> {
        Self::open_with(address, path, headers, usize::MAX).await
    }

    /// One that reads a byte at a time and has as good as no buffer.
    ///
    /// # Panics
    ///
    /// If it is refused.
    pub async fn open_slow(address: &str, path: &str) -> Self {
        Self::open_with(address, path, "", 1).await.expect("it is accepted")
    }

    async fn open_with(address: &str, path: &str, headers: &str, step: usize) -> Result<Self, u16> {
        let host = address.strip_prefix("http://").expect("an address");
        let socket = TcpSocket::new_v4().expect("a socket");
        if step == 1 {
            socket.set_recv_buffer_size(2048).expect("a size");
        }
        let mut stream =
            socket.connect(host.parse().expect("an address")).await.expect("the service listens");
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
        );
        stream.write_all(request.as_bytes()).await.expect("the service reads");
        let mut socket = Self { stream, step };
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.extend(socket.bytes(1).await);
        }
        let head = String::from_utf8(head).expect("UTF-8");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        if status != 101 {
            return Err(status);
        }
        // The answer to that key is an example of the specification.
        assert!(head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
        Ok(socket)
    }

    async fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        for part in bytes.chunks_mut(self.step) {
            let read = timeout(WAIT_LIMIT, self.stream.read_exact(part)).await;
            read.expect("something comes").expect("the connection holds");
        }
        bytes
    }

    /// The next frame that is no ping.
    ///
    /// # Panics
    ///
    /// If none comes in time.
    pub async fn frame(&mut self) -> Frame {
        loop {
            if let Some(frame) = self.frame_or_ping().await {
                return frame;
            }
        }
    }

    async fn frame_or_ping(&mut self) -> Option<Frame> {
        let head = self.bytes(2).await;
        assert_eq!(head[0] & 0xf0, 0x80, "whole frames only");
        let length = match head[1] {
            126 => self.bytes(2).await.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)),
            127 => self.bytes(8).await.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)),
            length => usize::from(length),
        };
        let payload = self.bytes(length).await;
        match head[0] & 0x0f {
            1 => Some(Frame::Text(serde_json::from_slice(&payload).expect("JSON"))),
            8 => Some(Frame::Close(u16::from_be_bytes([payload[0], payload[1]]))),
            9 => None,
            other => panic!("unknown kind of frame {other}"),
        }
    }

    /// All frames but pings, and the code of the close.
    ///
    /// # Panics
    ///
    /// If the connection breaks.
    pub async fn frames(mut self) -> (Vec<Value>, u16) {
        let mut frames = Vec::new();
        loop {
            match self.frame().await {
                Frame::Text(frame) if frame["type"] == "ping" => {}
                Frame::Text(frame) => frames.push(frame),
                Frame::Close(code) => return (frames, code),
            }
        }
    }
}

/// The lines of the log among frames.
///
/// # Panics
///
/// If a frame has no text.
#[must_use]
pub fn log_lines(frames: &[Value]) -> Vec<String> {
    let logs = frames.iter().filter(|frame| frame["type"] == "log");
    logs.map(|frame| frame["data"].as_str().expect("text").to_owned()).collect()
}
