//! An API of Proxmox with machines and nothing else: HTTPS on a free port of the loopback address, with a certificate
//! that nobody has signed.

use std::{
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
};

use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

/// What the API says and what it was asked.
#[derive(Default)]
struct State {
    machines: Vec<Value>,
    /// Status and status line's reason of every answer, unless all is well.
    failure: Option<(u16, &'static str)>,
    calls: Vec<Call>,
}

/// A call that the API got.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) path: String,
    pub(crate) authorization: String,
}

/// A running API; ends with its test.
pub(crate) struct FakePve {
    port: u16,
    state: Arc<Mutex<State>>,
}

impl FakePve {
    /// One with these machines.
    pub(crate) async fn start(machines: Vec<Value>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let state = Arc::new(Mutex::new(State { machines, ..State::default() }));
        tokio::spawn(accept(listener, TlsAcceptor::from(Arc::new(tls())), Arc::clone(&state)));
        Self { port, state }
    }

    /// `host:port`
    pub(crate) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Changes the machines.
    pub(crate) fn set(&self, machines: Vec<Value>) {
        self.state.lock().expect("nobody panicked").machines = machines;
    }

    /// From now on every call fails so, or none.
    pub(crate) fn fail(&self, failure: Option<(u16, &'static str)>) {
        self.state.lock().expect("nobody panicked").failure = failure;
    }

    /// Every call so far.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.state.lock().expect("nobody panicked").calls.clone()
    }
}

fn tls() -> ServerConfig {
    platform::install_provider();
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name| directory.path().join(name);
    let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    let (key, certificate) = (path("key.pem"), path("certificate.pem"));
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
        ])
        .args(["-subj", "/CN=nobody", "-keyout", &text(&key), "-out", &text(&certificate)])
        .output()
        .expect("there is an openssl");
    assert!(made.status.success(), "{made:?}");
    let certificate = CertificateDer::from_pem_file(certificate).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(key).expect("a key");
    ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key).expect("they fit")
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
        let answer = answer(&head, &mut state.lock().expect("nobody panicked"));
        stream.write_all(answer.as_bytes()).await?;
        stream.flush().await?;
    }
}

fn answer(head: &[String], state: &mut State) -> String {
    let path = head[0].split(' ').nth(1).unwrap_or_default().to_owned();
    let authorization = head.iter().find_map(|line| line.strip_prefix("authorization: ")).unwrap_or_default();
    state.calls.push(Call { path, authorization: authorization.to_owned() });
    let (status, reason) = state.failure.unwrap_or((200, "OK"));
    // Like Proxmox before 2025: why it failed stands in the status line only.
    let body = json!({ "data": if status == 200 { json!(state.machines) } else { Value::Null } }).to_string();
    format!(
        "HTTP/1.1 {status} {reason}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}
