//! HTTP byte by byte: a client library would change paths with `%2e%2e` or `//`, and lengths without a body, before it sends
//! them.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::TcpStream,
};

use serde_json::{Map, Value};

use crate::{app::TestApp, wait::WAIT_LIMIT};

/// Where to send to, and the headers that every request there gets.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// `127.0.0.1:port`
    pub address: String,
    /// Header lines, each with its end.
    pub headers: String,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Everything before the body, in lower case.
    pub head: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Endpoint {
    /// Without more headers.
    #[must_use]
    pub fn new(address: &str) -> Self {
        Self { address: address.to_owned(), headers: String::new() }
    }

    /// With one more header.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        Self { address: self.address.clone(), headers: format!("{}{name}: {value}\r\n", self.headers) }
    }

    /// An open connection.
    ///
    /// # Panics
    ///
    /// If the service does not listen.
    #[must_use]
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).expect("it listens");
        stream.set_read_timeout(Some(WAIT_LIMIT)).expect("a duration");
        stream.set_write_timeout(Some(WAIT_LIMIT)).expect("a duration");
        stream
    }

    /// The head of a request; the target goes into it as it is.
    ///
    /// # Panics
    ///
    /// If a header is no text.
    #[must_use]
    pub fn head(&self, method: &str, target: &str, headers: &Map<String, Value>) -> String {
        let mut head = format!("{method} {target} HTTP/1.1\r\nhost: {}\r\n{}", self.address, self.headers);
        for (name, value) in headers {
            head += &format!("{name}: {}\r\n", value.as_str().expect("a text"));
        }
        head
    }

    /// Sends a request and reads the answer.
    ///
    /// # Errors
    ///
    /// Without a whole answer.
    pub fn send(
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
    ///
    /// # Panics
    ///
    /// Without an answer.
    #[must_use]
    pub fn get(&self, target: &str) -> Answer {
        self.send("GET", target, &Map::new(), None).expect("an answer")
    }

    /// POST of JSON, for tests that know what to expect.
    ///
    /// # Panics
    ///
    /// Without an answer.
    #[must_use]
    pub fn post(&self, target: &str, body: &Value) -> Answer {
        let headers = Map::from_iter([("content-type".to_owned(), Value::from("application/json"))]);
        self.send("POST", target, &headers, Some(&body.to_string())).expect("an answer")
    }
}

impl Answer {
    /// A header's value; `name` in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    ///
    /// # Panics
    ///
    /// If it is no JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

/// Sends a request with a JSON body to a service; the target goes into the request line as it is.
///
/// # Panics
///
/// Without an answer.
#[must_use]
pub fn send(app: &TestApp, method: &str, target: &str, body: &str) -> Answer {
    let headers = format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len());
    send_with(app, method, target, &headers, body)
}

/// Sends a request with exactly these header lines, each with its end.
///
/// # Panics
///
/// Without an answer.
#[must_use]
pub fn send_with(app: &TestApp, method: &str, target: &str, headers: &str, body: &str) -> Answer {
    let endpoint = Endpoint::new(app.address().strip_prefix("http://").expect("an address"));
    let head = endpoint.head(method, target, &Map::new());
    let mut stream = endpoint.connect();
    let request = format!("{head}connection: close\r\n{headers}\r\n{body}");
    stream.write_all(request.as_bytes()).expect("the service reads");
    read_answer(&mut stream).expect("the service answers")
}

fn read_answer(stream: &mut TcpStream) -> io::Result<Answer> {
    let (head, mut body) = read_head(stream)?;
    let (status, headers) = parse_head(&head).ok_or_else(|| io::Error::other(format!("no HTTP: {head}")))?;
    let mut answer = Answer { status, head: head.to_ascii_lowercase(), headers, body: String::new() };
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

/// Reads to the end of the head; returns what it read of the body as well.
///
/// # Errors
///
/// If the connection ends before.
pub fn read_head(stream: &mut impl Read) -> io::Result<(String, Vec<u8>)> {
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
#[must_use]
pub fn parse_head(head: &str) -> Option<(u16, Vec<(String, String)>)> {
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
