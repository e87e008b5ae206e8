//! Repeats one HTTP request over a few connections, and prints statistics of the replies as JSON, for `./bench.sh`.
//!
//! `load ADDRESS [--connections N] [--seconds S] [--method M] [--path P] [--body TEXT]
//! [--header "Name: value"]...`. Each connection is kept, and has one request under way at a time. One thread does it all,
//! so that the server has the other cores.

#![expect(clippy::print_stdout, reason = "a program that prints its measurements")]

use std::{
    collections::BTreeMap,
    env,
    error::Error,
    io,
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

/// The maximum number of times that are kept for each connection.
const MOST_TIMES: usize = 200_000;
const BUFFER_BYTES: usize = 256 << 10;

struct Arguments {
    address: String,
    connections: usize,
    seconds: f64,
    request: Vec<u8>,
}

/// What one connection got.
#[derive(Default)]
struct Measured {
    status: BTreeMap<u16, u64>,
    bytes: u64,
    times: Vec<u32>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = arguments()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (measured, seconds) = runtime.block_on(load(&arguments))?;
    let mut times: Vec<u32> = measured.iter().flat_map(|measured| measured.times.iter().copied()).collect();
    times.sort_unstable();
    let at = |part: f64| times.get(((times.len() as f64) * part) as usize).copied();
    let mut status: BTreeMap<u16, u64> = BTreeMap::new();
    measured
        .iter()
        .flat_map(|measured| &measured.status)
        .for_each(|(code, count)| *status.entry(*code).or_default() += count);
    let replies: u64 = status.values().sum();
    let report = json!({
        "replies": replies,
        "seconds": seconds,
        "per_second": replies as f64 / seconds,
        "bytes": measured.iter().map(|measured| measured.bytes).sum::<u64>(),
        "status": status,
        "p50_us": at(0.5),
        "p99_us": at(0.99),
    });
    println!("{report}");
    Ok(())
}

fn arguments() -> Result<Arguments, Box<dyn Error>> {
    let mut words = env::args().skip(1);
    let address = words.next().ok_or("an address is missing: HOST:PORT")?;
    let (mut connections, mut seconds) = (8, 2.0);
    let (mut method, mut path, mut body) = ("GET".to_owned(), "/".to_owned(), String::new());
    let mut headers = String::new();
    while let Some(name) = words.next() {
        let value = words.next().ok_or("a value is missing")?;
        match name.as_str() {
            "--connections" => connections = value.parse()?,
            "--seconds" => seconds = value.parse()?,
            "--method" => method = value,
            "--path" => path = value,
            "--body" => body = value,
            "--header" => headers.push_str(&format!("{value}\r\n")),
            other => return Err(format!("unknown option `{other}`").into()),
        }
    }
    if !body.is_empty() {
        headers.push_str(&format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len()));
    }
    let request = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\n{headers}\r\n{body}").into_bytes();
    Ok(Arguments { address, connections, seconds, request })
}

async fn load(arguments: &Arguments) -> Result<(Vec<Measured>, f64), Box<dyn Error>> {
    // A tenth of the time is for warming up and does not count.
    let begin = Instant::now() + Duration::from_secs_f64(arguments.seconds / 10.0);
    let end = begin + Duration::from_secs_f64(arguments.seconds);
    let mut connections = JoinSet::new();
    for _ in 0..arguments.connections {
        let stream = TcpStream::connect(&arguments.address).await?;
        stream.set_nodelay(true)?;
        connections.spawn(converse(stream, arguments.request.clone(), begin, end));
    }
    let mut measured = Vec::with_capacity(arguments.connections);
    while let Some(ended) = connections.join_next().await {
        measured.push(ended??);
    }
    Ok((measured, end.duration_since(begin).as_secs_f64()))
}

async fn converse(
    mut stream: TcpStream,
    request: Vec<u8>,
    begin: Instant,
    end: Instant,
) -> io::Result<Measured> {
    let mut measured = Measured::default();
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let sent = Instant::now();
        if sent >= end {
            return Ok(measured);
        }
        stream.write_all(&request).await?;
        let (status, bytes) = reply(&mut stream, &mut buffer).await?;
        let now = Instant::now();
        if sent >= begin && now < end {
            *measured.status.entry(status).or_default() += 1;
            measured.bytes += bytes as u64;
            if measured.times.len() < MOST_TIMES {
                measured.times.push(u32::try_from((now - sent).as_micros()).unwrap_or(u32::MAX));
            }
        }
    }
}

/// Reads a whole reply. Returns its status and its length.
async fn reply(stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<(u16, usize)> {
    let mut filled = 0;
    let head = loop {
        let read = stream.read(&mut buffer[filled..]).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        filled += read;
        if let Some(at) = buffer[..filled].windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
    };
    let text = String::from_utf8_lossy(&buffer[..head]).to_ascii_lowercase();
    let status = text.get(9..12).and_then(|code| code.parse().ok()).unwrap_or(0);
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length: usize = match status {
        304 => 0,
        _ => length.and_then(|length| length.trim().parse().ok()).unwrap_or(0),
    };
    let mut left = (head + length).saturating_sub(filled);
    while left > 0 {
        let read = stream.read(buffer).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        left = left.saturating_sub(read);
    }
    Ok((status, head + length))
}
