//! The attacker of a test: a web server with pages that report back, and a forwarder that makes a name of the attacker resolve
//! to the service once its page is loaded.

use std::{net::SocketAddr, sync::Arc};

use serde_json::Value;
use testkit::WAIT_LIMIT;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::timeout,
};

/// Where pages send what they could do.
const REPORT: &str = "/report";

/// A web server of another origin.
pub(super) struct Attacker {
    /// Its TCP port on 127.0.0.1.
    pub port: u16,
    reports: UnboundedReceiver<Value>,
}

impl Attacker {
    /// Answers every path with the page, except the one for reports.
    pub(super) async fn start(page: &'static str) -> Self {
        let (sender, reports) = unbounded_channel();
        let port = serve(move |mut stream, begun| {
            let sender = sender.clone();
            async move { answer(&mut stream, begun, page, &sender).await }
        });
        Self { port: port.await, reports }
    }

    /// What the next page reports.
    pub(super) async fn report(&mut self) -> Value {
        let report = timeout(WAIT_LIMIT, self.reports.recv()).await;
        report.expect("the page reports").expect("the server runs")
    }
}

/// Answers the first request for `/` with the page, and passes the bytes of every other connection on to the service
/// unchanged: for a browser both are one origin. Returns the port.
pub(super) async fn rebinding(page: &'static str, service: SocketAddr) -> u16 {
    let is_served = Arc::new(std::sync::atomic::AtomicBool::new(false));
    serve(move |mut stream, begun| {
        let is_served = Arc::clone(&is_served);
        async move {
            let is_first =
                begun.starts_with(b"GET /?") && !is_served.swap(true, std::sync::atomic::Ordering::SeqCst);
            if is_first {
                send(&mut stream, "text/html", page).await;
                return;
            }
            let mut onward = TcpStream::connect(service).await.expect("the service listens");
            onward.write_all(&begun).await.expect("the service reads");
            // Either side may leave when it likes.
            let _ = copy_bidirectional(&mut stream, &mut onward).await;
        }
    })
    .await
}

/// Passes each connection, with the headers of its first request, to a task.
async fn serve<F: Future<Output = ()> + Send + 'static>(
    handle: impl Fn(TcpStream, Vec<u8>) -> F + Send + Sync + 'static,
) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let handle = Arc::new(handle);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let handle = Arc::clone(&handle);
            tokio::spawn(async move {
                let begun = until_body(&mut stream).await;
                // Browsers open connections that they may not use.
                if !begun.is_empty() {
                    handle(stream, begun).await;
                }
            });
        }
    });
    port
}

/// The bytes of a request up to its body, and what came with them.
async fn until_body(stream: &mut TcpStream) -> Vec<u8> {
    let mut begun = Vec::new();
    while body_of(&begun).is_none() {
        if stream.read_buf(&mut begun).await.unwrap_or(0) == 0 {
            return Vec::new();
        }
    }
    begun
}

fn body_of(begun: &[u8]) -> Option<usize> {
    begun.windows(4).position(|end| end == b"\r\n\r\n").map(|at| at + 4)
}

async fn answer(stream: &mut TcpStream, mut begun: Vec<u8>, page: &str, reports: &UnboundedSender<Value>) {
    let body = body_of(&begun).expect("a head");
    let head = String::from_utf8_lossy(&begun[..body]).into_owned();
    let target = head.split(' ').nth(1).unwrap_or_default();
    if target != REPORT {
        send(stream, "text/html", page).await;
        return;
    }
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    while begun.len() < body + length.expect("a length") {
        assert!(stream.read_buf(&mut begun).await.expect("a body") > 0, "the report is cut off");
    }
    // The test may have ended.
    let _ = reports.send(serde_json::from_slice(&begun[body..]).expect("JSON"));
    send(stream, "text/plain", "").await;
}

async fn send(stream: &mut TcpStream, media_type: &str, text: &str) {
    let length = text.len();
    let response = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {media_type}; charset=utf-8\r\ncontent-length: {length}\r\n\
         cache-control: no-store\r\nconnection: close\r\n\r\n{text}"
    );
    // The browser may have left.
    let _ = stream.write_all(response.as_bytes()).await;
    let _ = stream.shutdown().await;
}
