//! JWTs of an issuer with real keys, RSA and P-256.

use std::{
    io::{Read, Write},
    net::TcpListener,
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    rsa::PublicKeyComponents,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};
use serde_json::{Value, json};
use testkit::{
    FakePve, Setup, TestApp, WAIT_LIMIT,
    access::{NO_JOB, call_as, problem, rest_of, upgrade},
};

use crate::ws_vm_status::inventory;

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A stream ends with its JWT; the rest is for a busy machine.
const AT_MOST: Duration = Duration::from_secs(30);

/// A key of an issuer.
enum Key {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
}

impl Key {
    /// ring makes no RSA keys.
    fn rsa() -> Self {
        let arguments =
            ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-outform", "DER"];
        let made = Command::new("openssl").args(arguments).output().expect("openssl makes a key");
        // Which of the two forms it writes depends on its version.
        let key = RsaKeyPair::from_pkcs8(&made.stdout).or_else(|_| RsaKeyPair::from_der(&made.stdout));
        Self::Rsa(key.expect("a key"))
    }

    fn ec() -> Self {
        let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let made = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("a key");
        Self::Ec(EcdsaKeyPair::from_pkcs8(algorithm, made.as_ref(), &random).expect("a key"))
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "RS256",
            Self::Ec(_) => "ES256",
        }
    }

    fn jwk(&self, id: &str) -> Value {
        match self {
            Self::Rsa(key) => {
                let parts: PublicKeyComponents<Vec<u8>> = key.public().into();
                json!({"kty": "RSA", "kid": id, "alg": "RS256", "n": text(&parts.n), "e": text(&parts.e)})
            }
            Self::Ec(key) => {
                let (x, y) = key.public_key().as_ref()[1..].split_at(32);
                json!({"kty": "EC", "crv": "P-256", "kid": id, "x": text(x), "y": text(y)})
            }
        }
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let message =
            format!("{}.{}", text(header.to_string().as_bytes()), text(claims.to_string().as_bytes()));
        let random = SystemRandom::new();
        let signature = match self {
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message.as_bytes(), &mut signature).expect("signed");
                signature
            }
            Self::Ec(key) => key.sign(&random, message.as_bytes()).expect("signed").as_ref().to_vec(),
        };
        format!("{message}.{}", text(&signature))
    }

    /// A token that is good as it is, but for these claims.
    fn token(&self, id: &str, others: &Value) -> String {
        let now = since_1970().as_secs();
        let mut claims = json!({"iss": "https://id.example", "aud": "rangehand", "sub": "ann", "exp": now + 300,
            "roles": ["viewer"]});
        for (name, value) in others.as_object().expect("an object") {
            claims[name] = value.clone();
        }
        self.sign(&json!({"alg": self.algorithm(), "kid": id}), &claims)
    }
}

fn keys(keys: &[(&Key, &str)]) -> String {
    let keys: Vec<Value> = keys.iter().map(|(key, id)| key.jwk(id)).collect();
    json!({"keys": keys}).to_string()
}

fn with_issuer(setup: Setup, place: &str) -> TestApp {
    setup
        .set("RANGEHAND__ACCESS__MODES", "jwt")
        .set("RANGEHAND__ACCESS__JWT_KEYS", place)
        .set("RANGEHAND__ACCESS__JWT_ISSUER", "https://id.example")
        .set("RANGEHAND__ACCESS__JWT_AUDIENCE", "rangehand")
        .set("RANGEHAND__ACCESS__JWT_LEEWAY_S", "0")
        .start()
}

async fn status(app: &TestApp, token: &str) -> u16 {
    call_as(app, token, "GET", "/v1/jobs", None).await.status().as_u16()
}

#[tokio::test]
async fn a_jwt_of_the_issuer_is_good_for_its_role() {
    let (rsa, ec) = (Key::rsa(), Key::ec());
    let setup = Setup::new();
    setup.write("keys.json", &keys(&[(&rsa, "r"), (&ec, "e")]));
    let app = with_issuer(setup, "keys.json");
    for (key, id) in [(&rsa, "r"), (&ec, "e")] {
        assert_eq!(status(&app, &key.token(id, &json!({}))).await, 200, "{id}");
        let viewer = call_as(&app, &key.token(id, &json!({})), "POST", "/v1/jobs", Some("{")).await;
        assert_eq!(problem(viewer, 403).await, "role_too_low");
        let operator = key.token(id, &json!({"roles": ["x", "operator"]}));
        assert_eq!(call_as(&app, &operator, "POST", "/v1/jobs", Some("{")).await.status(), 400);
        let without_role =
            call_as(&app, &key.token(id, &json!({"roles": []})), "GET", "/v1/jobs", None).await;
        assert_eq!(problem(without_role, 403).await, "no_role");
    }
}

#[tokio::test]
async fn a_jwt_that_is_not_right_is_refused() {
    let (rsa, ec, other) = (Key::rsa(), Key::ec(), Key::ec());
    let setup = Setup::new();
    setup.write("keys.json", &keys(&[(&rsa, "r"), (&ec, "e")]));
    let app = with_issuer(setup, "keys.json");
    let good = ec.token("e", &json!({}));
    assert_eq!(status(&app, &good).await, 200);
    let parts: Vec<&str> = good.split('.').collect();
    let none = text(json!({"alg": "none"}).to_string().as_bytes());
    let none_with_key = text(json!({"alg": "none", "kid": "e"}).to_string().as_bytes());
    let claims = json!({"iss": "https://id.example", "aud": "rangehand", "sub": "ann", "exp": 9_999_999_999_i64,
        "roles": ["admin"]});
    // The public key of the issuer as if it were a shared secret, under the name of another algorithm.
    let confused = rsa.sign(&json!({"alg": "HS256", "kid": "r"}), &claims);
    for (token, what) in [
        (ec.token("e", &json!({"exp": 1})), "expired"),
        (ec.token("e", &json!({"nbf": 9_999_999_999_i64})), "not yet"),
        (ec.token("e", &json!({"aud": "other"})), "another audience"),
        (ec.token("e", &json!({"iss": "https://evil.example"})), "another issuer"),
        (other.token("e", &json!({})), "another key"),
        (ec.token("r", &json!({})), "another key of the issuer"),
        (ec.token("x", &json!({})), "an unknown key"),
        (confused, "another algorithm"),
        (format!("{none}.{}.", parts[1]), "no signature"),
        (format!("{none_with_key}.{}.", parts[1]), "no signature under a key"),
        (format!("{}.{}.", parts[0], parts[1]), "the signature cut off"),
        (format!("{}.{}.{}", parts[0], text(claims.to_string().as_bytes()), parts[2]), "other claims"),
    ] {
        let refused = call_as(&app, &token, "GET", "/v1/jobs", None).await;
        assert_eq!(problem(refused, 401).await, "bad_credentials", "{what}");
    }
}

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970")
}

#[tokio::test]
async fn streams_and_websockets_end_when_their_jwt_does() {
    let key = Key::ec();
    let api = FakePve::start(Vec::new()).await;
    let setup = Setup::new();
    setup.write("keys.json", &keys(&[(&key, "e")]));
    setup.write("inventory/hosts.yml", &inventory(&api.host(), "geheim"));
    let app = with_issuer(setup, "keys.json");
    let end = since_1970().as_secs() + 5;
    let brief = key.token("e", &json!({"exp": end}));
    let long = key.token("e", &json!({}));
    let mut streams = Vec::new();
    for format in ["sse", "ndjson&follow=true"] {
        let path = format!("/v1/events?format={format}");
        let stream = call_as(&app, &brief, "GET", &path, None).await;
        assert_eq!(stream.status(), 200);
        streams.push(stream);
    }
    let header = format!("authorization: Bearer {brief}\r\n");
    let (status, socket) = upgrade(&app, "/ws/vm-status", &header);
    assert_eq!(status, 101);
    let mut other = call_as(&app, &long, "GET", "/v1/events?format=sse", None).await;
    for mut stream in streams {
        let over = async { while let Ok(Some(_)) = stream.chunk().await {} };
        tokio::time::timeout(AT_MOST, over).await.expect("it ends");
        assert!(since_1970().as_secs() >= end, "it ended early");
    }
    rest_of(socket).await;
    let late = since_1970().saturating_sub(Duration::from_secs(end));
    assert!(late < AT_MOST, "{late:?} after the end of the JWT");
    assert_eq!(upgrade(&app, NO_JOB, &header).0, 401);
    let is_open = tokio::time::timeout(Duration::ZERO, other.chunk()).await.is_err();
    assert!(is_open, "the stream of another JWT stays open");
}

/// Serves a JWKS over HTTP until the end of the process.
struct Issuer {
    address: String,
    document: Arc<Mutex<String>>,
    asked: Arc<AtomicUsize>,
}

impl Issuer {
    fn start(document: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}/jwks", listener.local_addr().expect("an address"));
        let (document, asked) = (Arc::new(Mutex::new(document)), Arc::new(AtomicUsize::new(0)));
        let (serves, counts) = (Arc::clone(&document), Arc::clone(&asked));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { continue };
                let _ = stream.read(&mut [0; 4096]);
                counts.fetch_add(1, SeqCst);
                let body = serves.lock().expect("whole").clone();
                let status = if body.is_empty() { "500 Broken" } else { "200 OK" };
                let head = format!(
                    "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                    body.len()
                );
                let _ = stream.write_all((head + &body).as_bytes());
            }
        });
        Self { address, document, asked }
    }

    fn set(&self, document: String) {
        *self.document.lock().expect("whole") = document;
    }
}

#[tokio::test]
async fn keys_are_fetched_once_and_again_when_the_issuer_changes_them() {
    let (old, new) = (Key::ec(), Key::ec());
    let issuer = Issuer::start(keys(&[(&old, "old")]));
    let app = with_issuer(Setup::new(), &issuer.address);
    for _ in 0..20 {
        assert_eq!(status(&app, &old.token("old", &json!({}))).await, 200);
    }
    assert_eq!(issuer.asked.load(SeqCst), 1, "they are kept");
    issuer.set(keys(&[(&old, "old"), (&new, "new")]));
    let begun = std::time::Instant::now();
    let mut tries = 0;
    while status(&app, &new.token("new", &json!({}))).await != 200 {
        tries += 1;
        assert!(begun.elapsed() < WAIT_LIMIT, "the new key is never found");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(
        issuer.asked.load(SeqCst) <= 2 + begun.elapsed().as_secs() as usize / 5,
        "not at every one of {tries}"
    );
    issuer.set(String::new());
    assert_eq!(status(&app, &old.token("unknown", &json!({}))).await, 401);
    assert_eq!(status(&app, &old.token("old", &json!({}))).await, 200, "what is known stays good");
}

#[tokio::test]
async fn no_caller_is_authenticated_before_the_issuer_answered() {
    let key = Key::ec();
    let issuer = Issuer::start(String::new());
    let app = with_issuer(Setup::new(), &issuer.address);
    let refused = call_as(&app, &key.token("k", &json!({})), "GET", "/v1/jobs", None).await;
    assert_eq!(problem(refused, 503).await, "access_unavailable");
}

/// Serves a JWKS over HTTPS until the end of the process, with a certificate for `name`. Returns its address and its authority.
fn over_tls(document: String, name: &str) -> (String, String) {
    let (config, authority) = testkit::tls(name.parse().expect("an address"));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("https://{}/jwks", listener.local_addr().expect("an address"));
    let config = Arc::new(config);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let Ok(connection) = rustls::ServerConnection::new(Arc::clone(&config)) else { continue };
            let mut stream = rustls::StreamOwned::new(connection, stream);
            // A client that does not trust the certificate reports that here, and disconnects.
            if stream.read(&mut [0; 4096]).is_ok_and(|read| read > 0) {
                let head = format!(
                    "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                    document.len()
                );
                let _ = stream.write_all((head + &document).as_bytes());
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        }
    });
    (address, authority)
}

#[tokio::test]
async fn keys_come_from_an_issuer_with_a_trusted_certificate_of_its_name_only() {
    let key = Key::ec();
    for (name, is_trusted, expected) in
        [("127.0.0.1", true, 200), ("127.0.0.1", false, 503), ("127.0.0.2", true, 503)]
    {
        let (address, authority) = over_tls(keys(&[(&key, "old")]), name);
        let mut setup = Setup::new();
        if is_trusted {
            setup.write("authority.pem", &authority);
            let path = setup.home().join("authority.pem");
            setup = setup.set("SSL_CERT_FILE", path.to_str().expect("UTF-8"));
        }
        let app = with_issuer(setup, &address);
        assert_eq!(
            status(&app, &key.token("old", &json!({}))).await,
            expected,
            "{name}, trusted: {is_trusted}"
        );
    }
}
