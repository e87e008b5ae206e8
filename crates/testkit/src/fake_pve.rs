//! A Proxmox API with nothing but machines: HTTPS on a free port, with a certificate of its own authority, like that of a node.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

use crate::tls::tls;

/// The replies of the API, and the calls that it got.
#[derive(Default)]
struct State {
    machines: Vec<Value>,
    /// Status and status line's reason of every answer, unless all is well.
    failure: Option<(u16, &'static str)>,
    calls: Vec<Call>,
}

/// A call that the API got.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its path.
    pub path: String,
    /// Its header `Authorization`.
    pub authorization: String,
}

/// A running API; ends with its test.
pub struct FakePve {
    address: SocketAddr,
    authority: String,
    state: Arc<Mutex<State>>,
}

impl FakePve {
    /// One with these machines, on the loopback address.
    pub async fn start(machines: Vec<Value>) -> Self {
        Self::start_at(Ipv4Addr::LOCALHOST.into(), machines).await
    }

    /// One on another address of this machine.
    ///
    /// # Panics
    ///
    /// If no port is free.
    pub async fn start_at(ip: IpAddr, machines: Vec<Value>) -> Self {
        let listener = TcpListener::bind((ip, 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(Mutex::new(State { machines, ..State::default() }));
        let (tls, authority) = tls(ip);
        tokio::spawn(accept(listener, TlsAcceptor::from(Arc::new(tls)), Arc::clone(&state)));
        Self { address, authority, state }
    }

    /// `host:port`
    #[must_use]
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// The certificate of its authority in PEM.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Changes the machines.
    ///
    /// # Panics
    ///
    /// If a connection panicked.
    pub fn set(&self, machines: Vec<Value>) {
        self.state.lock().expect("no connection panicked").machines = machines;
    }

    /// From now on every call fails with this status and reason, or none fails.
    ///
    /// # Panics
    ///
    /// If a connection panicked.
    pub fn fail(&self, failure: Option<(u16, &'static str)>) {
        self.state.lock().expect("no connection panicked").failure = failure;
    }

    /// Every call so far.
    ///
    /// # Panics
    ///
    /// If a connection panicked.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.state.lock().expect("no connection panicked").calls.clone()
    }
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, state: Arc<Mutex<State>>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(serve(stream, acceptor.clone(), Arc::clone(&state)));
    }
}

/// Answers the requests of a connection until it ends.
async fn serve(stream: TcpStream, acceptor: TlsAcceptor, state: Arc<Mutex<State>>) -> std::io::Result<()> {
    let mut stream = BufReader::new(acceptor.accept(stream).await?);
    loop {
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            if line.trim().is_empty() {
                break;
            }
            head.push(line.trim().to_owned());
        }
        let answer = answer(&head, &mut state.lock().expect("no connection panicked"));
        stream.write_all(answer.as_bytes()).await?;
        stream.flush().await?;
    }
}

fn answer(head: &[String], state: &mut State) -> String {
    let path = head[0].split(' ').nth(1).unwrap_or_default().to_owned();
    let authorization = head.iter().find_map(|line| line.strip_prefix("authorization: ")).unwrap_or_default();
    state.calls.push(Call { path, authorization: authorization.to_owned() });
    let (status, reason) = state.failure.unwrap_or((200, "OK"));
    // Like Proxmox before 2025: only the status line contains the reason.
    let body = json!({ "data": if status == 200 { json!(state.machines) } else { Value::Null } }).to_string();
    format!(
        "HTTP/1.1 {status} {reason}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}
