//! An API of Proxmox with machines and nothing else: HTTPS on a free port, with a certificate that an authority of its
//! own has signed, as a node's is.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
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
    address: SocketAddr,
    authority: String,
    state: Arc<Mutex<State>>,
}

impl FakePve {
    /// One with these machines, on the loopback address.
    pub(crate) async fn start(machines: Vec<Value>) -> Self {
        Self::start_at(Ipv4Addr::LOCALHOST.into(), machines).await
    }

    /// One on another address of this machine.
    pub(crate) async fn start_at(ip: IpAddr, machines: Vec<Value>) -> Self {
        let listener = TcpListener::bind((ip, 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(Mutex::new(State { machines, ..State::default() }));
        let (tls, authority) = tls(ip);
        tokio::spawn(accept(listener, TlsAcceptor::from(Arc::new(tls)), Arc::clone(&state)));
        Self { address, authority, state }
    }

    /// `host:port`
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    /// The certificate of its authority in PEM.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
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

/// A certificate for this address, and the authority that signed it.
pub(crate) fn tls(ip: IpAddr) -> (ServerConfig, String) {
    platform::install_provider();
    let directory = tempfile::tempdir().expect("a directory");
    let make = |name: &str, more: &[&str]| {
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
        let files = [format!("{name}.key"), format!("{name}.pem")];
        let made = Command::new("openssl")
            .current_dir(&directory)
            .args(["req", "-x509", "-subj", &format!("/CN={name}"), "-keyout", &files[0], "-out", &files[1]])
            .args(key)
            .args(more)
            .output()
            .expect("there is an openssl");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        files.map(|file| directory.path().join(file))
    };
    let [_, authority] = make("authority", &[]);
    let name = format!("subjectAltName=IP:{ip}");
    let signed = ["-CA", "authority.pem", "-CAkey", "authority.key", "-addext", "basicConstraints=CA:FALSE"];
    let [key, certificate] = make("node", &[&signed[..], &["-addext", &name]].concat());
    let certificate = CertificateDer::from_pem_file(certificate).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(key).expect("a key");
    let tls = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key);
    (tls.expect("they fit"), fs::read_to_string(authority).expect("readable"))
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
