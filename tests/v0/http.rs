//! HTTP byte by byte: a client library would tidy up paths with `%2e%2e` or `//` before it sends them.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::TcpStream,
};

use serde_json::{Map, Value};

use crate::PATIENCE;

/// Where to send to, and the headers that every request there gets.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    /// `127.0.0.1:port`
    pub address: String,
    /// Header lines, each with its end.
    pub headers: String,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The status code.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Endpoint {
    /// Without more headers.
    pub(crate) fn new(address: &str) -> Self {
        Self { address: address.to_owned(), headers: String::new() }
    }

    /// With one more header.
    pub(crate) fn with(&self, name: &str, value: &str) -> Self {
        Self { address: self.address.clone(), headers: format!("{}{name}: {value}\r\n", self.headers) }
    }

    /// An open connection.
    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a duration");
        stream.set_write_timeout(Some(PATIENCE)).expect("a duration");
        stream
    }

    /// The head of a request; the target goes into it as it is.
    pub(crate) fn head(&self, method: &str, target: &str, headers: &Map<String, Value>) -> String {
        let mut head = format!("{method} {target} HTTP/1.1\r\nhost: {}\r\n{}", self.address, self.headers);
        for (name, value) in headers {
            head += &format!("{name}: {}\r\n", value.as_str().expect("a text"));
        }
        head
    }

    /// Sends a request and reads the answer.
    pub(crate) fn send(
        &self,
        method: &str,
        target: &str,
        headers: &Map<String, Value>,
        body: Option<&str>,
    ) -> io::Result<Answer> {
        let mut request = self.head(method, target, headers) + "connection: close\r\n";
        if body.is_some() || method == "POST" || method == "PUT" {
            request += &format!("content-length: {}\r\n", body.unwrap_or_default().len());
        }
        request = request + "\r\n" + body.unwrap_or_default();
        let mut stream = self.connect();
        match stream.write_all(request.as_bytes()) {
            Ok(()) => {}
            // It may answer before it has read a body that is too long.
            Err(error) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => {}
            Err(error) => return Err(error),
        }
        read_answer(&mut stream)
    }

    /// GET, for tests that know what to expect.
    pub(crate) fn get(&self, target: &str) -> Answer {
        self.send("GET", target, &Map::new(), None).expect("an answer")
    }

    /// POST of JSON, for tests that know what to expect.
    pub(crate) fn post(&self, target: &str, body: &Value) -> Answer {
        let headers = Map::from_iter([("content-type".to_owned(), Value::from("application/json"))]);
        self.send("POST", target, &headers, Some(&body.to_string())).expect("an answer")
    }
}

impl Answer {
    /// A header's value; `name` in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

fn read_answer(stream: &mut TcpStream) -> io::Result<Answer> {
    let (head, mut body) = read_head(stream)?;
    let (status, headers) = parse_head(&head).ok_or_else(|| io::Error::other(format!("no HTTP: {head}")))?;
    let mut answer = Answer { status, headers, body: String::new() };
    match answer.header("content-length").and_then(|length| length.parse::<usize>().ok()) {
        Some(length) => {
            while body.len() < length {
                read_more(stream, &mut body)?;
            }
        }
        None => {
            stream.read_to_end(&mut body)?;
            if answer.header("transfer-encoding") == Some("chunked") {
                body = unchunked(&body).ok_or_else(|| io::Error::other("the last chunk is missing"))?;
            }
        }
    }
    answer.body = String::from_utf8_lossy(&body).into_owned();
    Ok(answer)
}

/// Reads to the end of the head; gives what it read of the body as well.
pub(crate) fn read_head(stream: &mut impl Read) -> io::Result<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|end| end == b"\r\n\r\n") {
            let body = bytes.split_off(end + 4);
            return Ok((String::from_utf8_lossy(&bytes).into_owned(), body));
        }
        read_more(stream, &mut bytes)?;
    }
}

fn read_more(stream: &mut impl Read, bytes: &mut Vec<u8>) -> io::Result<()> {
    let mut part = [0; 65536];
    match stream.read(&mut part)? {
        0 => Err(io::Error::new(ErrorKind::UnexpectedEof, "the connection was closed within an answer")),
        count => {
            bytes.extend(&part[..count]);
            Ok(())
        }
    }
}

/// The status and the headers of an answer.
pub(crate) fn parse_head(head: &str) -> Option<(u16, Vec<(String, String)>)> {
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let pairs = lines.filter_map(|line| line.split_once(':'));
    Some((status, pairs.map(|(name, value)| (name.to_lowercase(), value.trim().to_owned())).collect()))
}

fn unchunked(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = bytes.windows(2).position(|end| end == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&bytes[..end]).ok()?, 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        body.extend(bytes.get(end + 2..end + 2 + size)?);
        bytes = bytes.get(end + 4 + size..)?;
    }
}
