//! `/ws/vm-status`: the machines of a Proxmox node.

use std::{
    net::UdpSocket,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{
    FakePve, Setup, TestApp, bin_dir, generated_secret, until,
    websocket::{Frame, WebSocket},
};

const PATH: &str = "/ws/vm-status";
/// The poll interval of the services of these tests.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

fn machine(id: u32, more: &Value) -> Value {
    let mut machine = json!({
        "vmid": id, "name": format!("vm-{id}"), "status": "running", "cpu": 0.125, "mem": 10, "maxmem": 20,
        "uptime": 30, "tags": "web", "pid": 7,
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        machine[key] = value.clone();
    }
    machine
}

/// A machine as watchers see it.
fn shown(id: u32, more: &Value) -> Value {
    let mut shown = machine(id, &json!({ "cpu": 12.5, "template": 0 }));
    shown.as_object_mut().expect("a map").shift_remove("pid");
    for (key, value) in more.as_object().into_iter().flatten() {
        shown[key] = value.clone();
    }
    shown
}

/// An inventory with one API; the token is YAML.
pub(crate) fn inventory(api_host: &str, token: &str) -> String {
    format!(
        "all:\n  children:\n    range42_infrastructure:\n      children:\n        proxmox:\n          hosts:\n            \
         px-testing:\n              proxmox_api_host: \"{api_host}\"\n              proxmox_node: px-testing\n              \
         proxmox_api_user: API_master@pam\n              proxmox_api_token_id: API_master\n              \
         proxmox_api_token_secret: {token}\n"
    )
}

/// A service over this API that looks every second.
fn setup(api: &FakePve) -> Setup {
    let setup = Setup::new().set("RANGEHAND__PROXMOX__POLL_INTERVAL_S", POLL_INTERVAL.as_secs().to_string());
    setup.write("inventory/hosts.yml", &inventory(&api.host(), "geheim"));
    setup
}

async fn watch(app: &TestApp, query: &str) -> WebSocket {
    WebSocket::open(app.address(), &format!("{PATH}{query}"), "").await.expect("it is accepted")
}

async fn text(socket: &mut WebSocket) -> Value {
    match socket.frame().await {
        Frame::Text(frame) => frame,
        Frame::Close(code) => panic!("closed with {code}"),
    }
}

fn full(vms: &[Value]) -> Value {
    json!({ "type": "full", "vms": vms })
}

fn changed(id: u32, more: &Value) -> Value {
    let mut change = json!({ "type": "changed" });
    change.as_object_mut().expect("a map").extend(shown(id, more).as_object().cloned().expect("a map"));
    json!({ "type": "diff", "changes": { id.to_string(): change } })
}

#[tokio::test]
async fn machines_are_sent_in_full_and_then_as_changes() {
    let api = FakePve::start(vec![machine(1, &json!({})), machine(9, &json!({ "template": 1 }))]).await;
    let app = setup(&api).start();
    let mut socket = watch(&app, "").await;
    assert_eq!(text(&mut socket).await, full(&[shown(1, &json!({}))]));
    let stopped = json!({ "status": "stopped", "cpu": 0 });
    api.set(vec![machine(1, &stopped)]);
    assert_eq!(text(&mut socket).await, changed(1, &stopped));
    api.set(vec![]);
    let removed = json!({ "type": "diff", "changes": { "1": { "type": "removed", "vmid": 1 } } });
    assert_eq!(text(&mut socket).await, removed);
    assert_eq!(text(&mut socket).await, full(&[]));
    let first = &api.calls()[0];
    assert_eq!(first.path, "/api2/json/nodes/px-testing/qemu");
    assert_eq!(first.authorization, "PVEAPIToken=API_master@pam!API_master=geheim");
}

#[tokio::test]
async fn a_failed_poll_is_reported_and_changes_nothing() {
    let api = FakePve::start(vec![machine(1, &json!({}))]).await;
    let app = setup(&api).start();
    let mut socket = watch(&app, "").await;
    assert_eq!(text(&mut socket).await, full(&[shown(1, &json!({}))]));
    api.fail(Some((596, "no quorum")));
    let error = text(&mut socket).await;
    assert_eq!(error["type"], "error");
    assert!(error["error"].as_str().is_some_and(|text| text.ends_with("596: no quorum")), "{error}");

    // A new watcher gets the known state, and a message that it is not current.
    let mut late = watch(&app, "").await;
    assert_eq!(text(&mut late).await, full(&[shown(1, &json!({}))]));
    assert_eq!(text(&mut late).await["type"], "error");

    api.set(vec![machine(1, &json!({ "name": "new" }))]);
    api.fail(None);
    loop {
        let frame = text(&mut socket).await;
        if frame["type"] != "error" {
            assert_eq!(frame, changed(1, &json!({ "name": "new" })));
            break;
        }
    }
    assert_eq!(app.log().matches("machines cannot be watched").count(), 1, "{}", app.log());
    assert!(!app.log().contains("geheim"));
}

#[tokio::test]
async fn many_watchers_cost_one_poller_and_none_costs_nothing() {
    let api = FakePve::start(vec![machine(1, &json!({}))]).await;
    let app = setup(&api).start();
    let begun = Instant::now();
    let mut sockets = Vec::new();
    for _ in 0..8 {
        let mut socket = watch(&app, "").await;
        assert_eq!(text(&mut socket).await["type"], "full");
        sockets.push(socket);
    }
    let mut elsewhere = watch(&app, "?node=pve02").await;
    assert_eq!(text(&mut elsewhere).await["type"], "full");
    let calls_of = |node: &str| api.calls().iter().filter(|call| call.path.contains(node)).count();
    until("there were four looks", || calls_of("px-testing") >= 4).await;
    let most = begun.elapsed().as_secs() + 2;
    assert!(calls_of("px-testing") as u64 <= most, "{} looks, {most} at most", calls_of("px-testing"));
    assert!(calls_of("pve02") >= 2);

    drop(elsewhere);
    drop(sockets);
    until_no_polls(&api).await;
    let mut again = watch(&app, "").await;
    assert_eq!(text(&mut again).await["type"], "full", "a new poller begins at once");
}

#[tokio::test]
async fn a_slow_watcher_delays_no_other_and_gets_everything() {
    let machines =
        |first: u32| (0..2000).map(|id| machine(id, &json!({ "name": format!("m-{first}") }))).collect();
    let api = FakePve::start(machines(0)).await;
    let app = setup(&api).start();
    let mut slow = WebSocket::open_slow(app.address(), PATH).await;
    let mut fast = watch(&app, "").await;
    assert_eq!(text(&mut fast).await["type"], "full");
    for round in 1..4 {
        api.set(machines(round));
        let changes = text(&mut fast).await["changes"].clone();
        assert_eq!(changes.as_object().map(serde_json::Map::len), Some(2000));
    }
    assert_eq!(text(&mut slow).await["type"], "full");
    while text(&mut slow).await["changes"]["1999"]["name"] != "m-3" {}
}

/// Waits until there was no poll for three times the poll interval. At most the six seconds that are allowed.
async fn until_no_polls(api: &FakePve) {
    let begun = Instant::now();
    let mut last = (api.calls().len(), Instant::now());
    while last.1.elapsed() < 3 * POLL_INTERVAL {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let calls = api.calls().len();
        if calls != last.0 {
            last = (calls, Instant::now());
        }
        assert!(last.1.duration_since(begun) < Duration::from_secs(6), "it continues to poll");
    }
}

#[tokio::test]
async fn an_encrypted_token_in_the_inventory_is_decrypted() {
    let (password, token) = (generated_secret(), generated_secret());
    let api = FakePve::start(vec![]).await;
    let setup = setup(&api);
    setup.write("password", &password);
    let owner_only = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(setup.home().join("password"), owner_only).expect("the test owns it");
    let file = setup.home().join("password").to_string_lossy().into_owned();
    let mut encrypting = Command::new(bin_dir().join("ansible-vault"))
        .args(["encrypt_string", "--vault-password-file", &file])
        .env("HOME", setup.home())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("there is an ansible-vault");
    std::io::Write::write_all(&mut encrypting.stdin.take().expect("a pipe"), token.as_bytes())
        .expect("it reads");
    let output = encrypting.wait_with_output().expect("it ends");
    let vault = String::from_utf8(output.stdout).expect("UTF-8");
    let vault = vault.trim_end().replace('\n', "\n      ");
    setup.write("inventory/hosts.yml", &inventory(&api.host(), &vault));
    let app = setup.set("VAULT_PASSWORD_FILE", file).start();

    let mut socket = watch(&app, "").await;
    assert_eq!(text(&mut socket).await, full(&[]));
    assert_eq!(api.calls()[0].authorization, format!("PVEAPIToken=API_master@pam!API_master={token}"));

    // A token that changes while a client watches is used for the next poll.
    app.write("inventory/hosts.yml", &inventory(&api.host(), "newer"));
    until("the new token is used", || {
        api.calls().last().is_some_and(|call| call.authorization.ends_with("=newer"))
    })
    .await;
    assert!(!app.log().contains(&token));
}

#[tokio::test]
async fn certificates_are_checked_unless_they_are_of_this_machine() {
    // Where packets to elsewhere would come from; none is sent.
    let route = UdpSocket::bind("0.0.0.0:0").and_then(|socket| {
        socket.connect("192.0.2.1:9")?;
        socket.local_addr()
    });
    let Some(address) = route.ok().map(|address| address.ip()).filter(|ip| !ip.is_loopback()) else {
        return; // This machine has no other address: there is nothing to check.
    };
    let api = FakePve::start_at(address, vec![]).await;
    let authority = |setup: Setup| {
        setup.write("authority.pem", api.authority());
        setup.set("RANGEHAND__PROXMOX__CA_FILE", "authority.pem")
    };
    let unchecked = |setup: Setup| setup.set("RANGEHAND__PROXMOX__VERIFY_TLS", "false");
    for (setup, trusted) in
        [(setup(&api), false), (authority(setup(&api)), true), (unchecked(setup(&api)), true)]
    {
        let app = setup.start();
        let frame = text(&mut watch(&app, "").await).await;
        if trusted {
            assert_eq!(frame, full(&[]));
        } else {
            let error = frame["error"].as_str().expect("a text");
            assert!(error.contains("invalid peer certificate"), "{error}");
            assert!(api.calls().is_empty(), "the token was sent");
        }
    }
}

#[tokio::test]
async fn errors_of_watching_are_reported_and_the_socket_is_closed() {
    let api = FakePve::start(vec![]).await;
    let app = setup(&api).start();
    for query in ["?node=", "?node=..", "?node=a/b", "?node=a%0A", "?node=pve%3Fx"] {
        let (frames, code) = watch(&app, query).await.frames().await;
        assert_eq!((frames.len(), &frames[0]["type"], code), (1, &json!("error"), 1008), "{query}");
    }
    assert!(api.calls().is_empty());
    let missing = json!([{ "type": "error", "error": "Proxmox credentials not found in backend inventory" }]);
    for text in ["", "all: {hosts: {x: }}\n", "all: [\n", "proxmox: {hosts: {a: }}\n"] {
        app.write("inventory/hosts.yml", text);
        let (frames, code) = watch(&app, "").await.frames().await;
        assert_eq!((json!(frames), code), (missing.clone(), 1000), "{text}");
    }
    app.write("inventory/hosts.yml", &inventory("{{ somewhere }}", "x"));
    let (frames, code) = watch(&app, "").await.frames().await;
    let text = frames[0]["error"].as_str().expect("a text");
    assert!(text.contains("`proxmox_api_host` of the host `px-testing` is a template"), "{text}");
    assert_eq!((frames.len(), code), (1, 1000));
}

#[tokio::test]
async fn unauthenticated_clients_and_unknown_paths_are_rejected() {
    let api = FakePve::start(vec![]).await;
    let app = setup(&api).start();
    let open = |path: &'static str, headers: &'static str| {
        let address = app.address().to_owned();
        async move { WebSocket::open(&address, path, headers).await.map(drop) }
    };
    assert_eq!(open(PATH, "origin: http://evil.example\r\n").await, Err(403));
    assert_eq!(open(PATH, "origin: http://localhost:3000\r\n").await, Ok(()));
    assert_eq!(open("/ws/vm-status/", "").await, Err(403));
    assert_eq!(open("/elsewhere", "").await, Err(403));
    for method in [Method::GET, Method::POST] {
        let response = app.send(method, PATH, None).await;
        assert_eq!(response.status(), 404);
        assert_eq!(response.text().await.expect("text"), r#"{"detail":"Not Found"}"#);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_of_the_service_closes_with_1012_at_once() {
    let api = FakePve::start(vec![]).await;
    // Nothing waits for a socket to close by itself.
    let mut app = setup(&api).set("RANGEHAND__SERVER__SHUTDOWN_GRACE_S", "120").start();
    let mut socket = watch(&app, "").await;
    assert_eq!(text(&mut socket).await, full(&[]));
    let begun = Instant::now();
    tokio::task::block_in_place(|| app.stop());
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    assert_eq!(socket.frames().await.1, 1012);
}
