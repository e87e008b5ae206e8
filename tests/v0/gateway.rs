//! A gateway in front of the service: what it forwards and what it rejects. The recorded cases use one as well.
//!
//! The service itself knows no callers: a real gateway (haproxy) shows that it works behind one.

use std::{
    io::{Read, Write},
    net::TcpListener,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value, json};
use sha2::Sha256;
use testkit::{
    Gateway,
    http::{self, Endpoint},
    pve::Pve,
};

use crate::{service::Service, site::Sites, websocket::WebSocket};

/// A backend that answers with the head of the request; it ends with the test's process.
fn mirror() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound").to_string();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            // A connection that only checks whether the port is open ends here.
            let Ok((head, _)) = http::read_head(&mut stream) else { continue };
            let answer = format!(
                "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{head}",
                head.len()
            );
            stream.write_all(answer.as_bytes()).expect("the gateway reads");
            let _ = stream.read(&mut [0]);
        }
    });
    address
}

#[test]
fn no_client_passes_without_a_key() {
    let gateway = Gateway::start(&mirror());
    let anonymous = gateway.endpoint();
    let refused = anonymous.get("/v1/jobs");
    assert_eq!(refused.status, 401);
    assert!(refused.header("www-authenticate").is_some());
    assert_eq!(anonymous.with("apikey", "made up").get("/v1/jobs").status, 401);
    assert_eq!(anonymous.get("/v1/jobs?apikey=made-up").status, 401);
    assert_eq!(anonymous.get(&format!("/v1/jobs?apikey={}", gateway.key("viewer"))).status, 200);
    assert_eq!(gateway.endpoint_of("viewer").get("/v1/jobs").status, 200);
}

#[test]
fn a_group_may_do_no_more_than_what_is_its_own() {
    let gateway = Gateway::start(&mirror());
    for (consumer, status) in [("deployer", 200), ("viewer", 403)] {
        let endpoint = gateway.endpoint_of(consumer);
        assert_eq!(endpoint.get("/v1/jobs").status, 200, "{consumer}");
        assert_eq!(endpoint.post("/v0/admin/debug/ping", &json!({})).status, status, "{consumer}");
        assert_eq!(
            endpoint.send("DELETE", "/v1/jobs/x", &Map::new(), None).expect("an answer").status,
            status
        );
    }
}

#[test]
fn a_token_needs_the_right_signature_and_an_end_to_come() {
    let gateway = Gateway::start(&mirror());
    let (secret, other) = (gateway.secret("viewer"), gateway.secret("deployer"));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let (later, before) = (json!(now + 600), json!(now - 1));
    let table = [
        ("good", token("HS256", &secret, "viewer", &later), 200),
        ("expired", token("HS256", &secret, "viewer", &before), 401),
        ("without an end", token("HS256", &secret, "viewer", &Value::Null), 401),
        ("unsigned", token("none", "", "viewer", &later), 401),
        ("another algorithm", token("HS512", &secret, "viewer", &later), 401),
        ("wrong secret", token("HS256", "made up", "viewer", &later), 401),
        ("another consumer's secret", token("HS256", &other, "viewer", &later), 401),
        ("unknown consumer", token("HS256", &secret, "anonymous", &later), 401),
        ("no token", "x.y.z".to_owned(), 401),
    ];
    for (what, token, status) in table {
        let endpoint = gateway.endpoint().with("authorization", &format!("Bearer {token}"));
        assert_eq!(endpoint.get("/v1/jobs").status, status, "{what}");
    }
    let endpoint = gateway
        .endpoint()
        .with("authorization", &format!("Bearer {}", token("HS256", &secret, "viewer", &later)));
    assert_eq!(endpoint.post("/v0/admin/debug/ping", &json!({})).status, 403, "the group counts here too");
}

#[test]
fn clients_over_the_rate_limit_get_the_time_to_retry() {
    let gateway = Gateway::start(&mirror());
    let hasty = gateway.endpoint_of("hasty");
    let answers: Vec<_> = (0..6).map(|_| hasty.get("/v1/jobs")).collect();
    assert_eq!(
        answers.iter().map(|answer| answer.status).collect::<Vec<_>>(),
        [200, 200, 200, 200, 200, 429]
    );
    assert_eq!(answers[5].header("retry-after"), Some("60"));
    assert_eq!(gateway.endpoint_of("viewer").get("/v1/jobs").status, 200, "others are not concerned");
}

#[test]
fn only_the_gateway_identifies_callers_to_the_service() {
    let gateway = Gateway::start(&mirror());
    let liar =
        gateway.endpoint_of("viewer").with("X-Consumer-Username", "root").with("X-Consumer-Custom-ID", "1");
    let key = gateway.key("viewer");
    for target in ["/a?x=1".to_owned(), format!("/a?apikey={key}&x=1"), format!("/a?x=1&apikey={key}")] {
        let seen = liar.get(&target).body.to_lowercase();
        assert!(seen.starts_with("get /a?x=1 http/1.1\r\n"), "{seen}");
        assert!(seen.contains("\r\nx-consumer-username: viewer\r\n"), "{seen}");
        assert!(seen.contains("\r\nx-consumer-groups: viewers\r\n"), "{seen}");
        for secret in ["root", "custom", "apikey", &key] {
            assert!(!seen.contains(secret), "{secret}: {seen}");
        }
    }
}

#[test]
fn browsers_ask_and_watch_through_the_gateway() {
    let pve = Pve::start();
    let sites = Sites::new(pve.host());
    let service = Service::start(&sites, &sites.lay_out("real")).expect("it starts");
    let gateway = Gateway::start(&service.endpoint.address);
    let anonymous = gateway.endpoint();

    let origin = ("origin".to_owned(), json!("http://localhost:5173"));
    let asks = ("access-control-request-method".to_owned(), json!("POST"));
    let preflight =
        anonymous.send("OPTIONS", "/v0/admin/debug/ping", &Map::from_iter([origin.clone(), asks]), None);
    let preflight = preflight.expect("an answer");
    assert_eq!(preflight.status, 200);
    assert_eq!(preflight.header("access-control-allow-origin"), Some("http://localhost:5173"));

    let body = json!({"proxmox_node": "px-testing", "hosts": "localhost"});
    let ran = gateway.endpoint_of("deployer").post("/v0/admin/run/bundles/ping/run", &body);
    assert_eq!(ran.status, 200, "{}", ran.body);
    let job = ran.header("x-rangehand-job").expect("the id of the job");

    let headers = Map::from_iter([origin]);
    let open =
        |endpoint: &Endpoint, target: &str| WebSocket::open(endpoint, target, &headers).expect("an answer");
    let refused = open(&anonymous, &format!("/ws/{job}"));
    assert_eq!(refused.err(), Some(401), "a WebSocket needs a key as well");
    let with_key = |path: &str| open(&anonymous, &format!("{path}?apikey={}", gateway.key("viewer")));
    let mut log = with_key(&format!("/ws/{job}")).expect("the log of a job is shown");
    assert!(log.text(crate::WAIT_LIMIT).is_some());
    log.close();
    let mut machines = with_key("/ws/vm-status").expect("the machines are shown");
    let first: Value =
        serde_json::from_str(&machines.text(Duration::from_secs(30)).expect("a frame")).expect("JSON");
    assert_eq!(first["type"], "full");
    machines.close();
    assert_eq!(service.stop(), Vec::<String>::new());
}

/// A JSON Web Token, always signed with HMAC-SHA256, regardless of its header.
fn token(algorithm: &str, secret: &str, issuer: &str, expires: &Value) -> String {
    let mut claims = json!({ "iss": issuer });
    if !expires.is_null() {
        claims["exp"] = expires.clone();
    }
    let head = json!({"alg": algorithm, "typ": "JWT"});
    let signed =
        format!("{}.{}", base64url(head.to_string().as_bytes()), base64url(claims.to_string().as_bytes()));
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length will do");
    mac.update(signed.as_bytes());
    let signature = if algorithm == "none" { Vec::new() } else { mac.finalize().into_bytes().to_vec() };
    format!("{signed}.{}", base64url(&signature))
}

/// RFC 4648, without padding.
fn base64url(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let digits = bytes.chunks(3).flat_map(|chunk| {
        let bits =
            (0..3).fold(0, |bits, index| bits << 8 | usize::from(chunk.get(index).copied().unwrap_or(0)));
        (0..=chunk.len()).map(move |index| char::from(DIGITS[bits >> (18 - 6 * index) & 63]))
    });
    digits.collect()
}
