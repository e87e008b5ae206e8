//! Every request that starts a job is a change: it needs the role, is limited, and is in the audit log. Callers share the
//! queue.

use std::time::{Duration, Instant};

use reqwest::Response;
use serde_json::{Value, json};
use testkit::{
    Gate, Setup, TestApp,
    access::{audit_records, call, call_as, problem, run, token, with_compose_settings, with_tokens},
    until, until_async,
};

const FUNC_TEST: &str = "/v0/admin/debug/func_test";
const LIST: &str = "/v0/admin/proxmox/vms/list";
/// What a route of v0 for lists takes.
const ON_NODE: &str = r#"{"proxmox_node": "px"}"#;
const PING: &str = r#"{"bundle": "ping", "limit": "localhost"}"#;

/// An inventory whose Proxmox cannot be reached, so that reads go through Ansible.
fn without_proxmox(setup: Setup) -> Setup {
    let inventory = "proxmox: {hosts: {px: {ansible_connection: local, proxmox_node: px, proxmox_api_host: '127.0.0.1:9', \
                     ansible_python_interpreter: '{{ ansible_playbook_python }}'}}}\n";
    setup.write("inventory/proxmox.yml", inventory);
    setup.write(
        "playbooks/generic.yml",
        "- hosts: proxmox\n  gather_facts: false\n  tasks:\n    - ansible.builtin.debug: {var: vm_list}\n      vars: {vm_list: []}\n",
    );
    setup.set("RANGEHAND__ANSIBLE__DEFAULT_INVENTORY", "proxmox")
}

/// How many jobs a query finds.
async fn jobs(app: &TestApp, token: &str, query: &str) -> usize {
    let path = format!("/v1/jobs{query}");
    let list: Value = call_as(app, token, "GET", &path, None).await.json().await.expect("JSON");
    list["items"].as_array().expect("a list").len()
}

fn records(app: &TestApp, route: &str) -> Vec<(String, Value)> {
    let found = audit_records(app).into_iter().filter(|record| record["route"] == route);
    found
        .map(|record| (record["kind"].as_str().expect("text").to_owned(), record["status"].clone()))
        .collect()
}

#[tokio::test]
async fn a_viewer_starts_no_job_by_a_route_that_looks_like_a_read() {
    let app = without_proxmox(Setup::new().set("RANGEHAND__ACCESS__MODES", "token")).start();
    let (viewer, operator) = (token(&app, "viewer"), token(&app, "operator"));
    for (path, body) in [(FUNC_TEST, None), (LIST, Some(ON_NODE))] {
        let denied = call_as(&app, &viewer, "POST", path, body).await;
        assert_eq!(denied.status(), 403, "{path}");
        // Stored before the answer.
        assert_eq!(records(&app, path), [("denied".to_owned(), json!(403))], "{path}");
    }
    assert_eq!(jobs(&app, &viewer, "").await, 0);
    let listed = call_as(&app, &operator, "POST", LIST, Some(ON_NODE)).await;
    assert_eq!(listed.status(), 200, "{:?}", listed.text().await);
    assert_eq!(jobs(&app, &viewer, "").await, 1);
    until("the result is in the audit", || records(&app, LIST).len() == 3).await;
    let kinds: Vec<_> = records(&app, LIST).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, ["denied", "intent", "result"]);
}

#[tokio::test]
async fn a_read_that_starts_a_job_counts_as_a_change() {
    let app = without_proxmox(Setup::new().set("RANGEHAND__ACCESS__MODES", "token"))
        .set("RANGEHAND__LIMITS__WRITES_PER_MINUTE", "1")
        .set("RANGEHAND__LIMITS__WRITES_BURST", "1")
        .start();
    let operator = token(&app, "operator");
    assert_eq!(call_as(&app, &operator, "POST", LIST, Some(ON_NODE)).await.status(), 200);
    let refused = call_as(&app, &operator, "POST", LIST, Some(ON_NODE)).await;
    assert_eq!(refused.status(), 429);
    assert!(refused.headers().contains_key("retry-after"));
}

#[tokio::test]
async fn a_page_of_another_origin_starts_nothing_with_any_request() {
    let app = without_proxmox(Setup::new()).start();
    let address = app.address().to_owned();
    // Also one that is the whole site of its browser, by DNS rebinding, where the host is not checked.
    let origins =
        ["https://evil.example", "null", "http://localhost.evil.example", "http://127.0.0.1.evil.example:80"];
    let send = async |path: &str, origin: &str, media_type: &str, body: &str| {
        let request = reqwest::Client::new().post(format!("{address}{path}")).header("origin", origin);
        let request =
            if media_type.is_empty() { request } else { request.header("content-type", media_type) };
        request.body(body.to_owned()).send().await.expect("an answer").status().as_u16()
    };
    let ping = r#"{"proxmox_node": "px", "hosts": "localhost"}"#;
    for origin in origins {
        for media_type in
            ["", "text/plain", "application/json", "application/x-www-form-urlencoded", "application/x+json"]
        {
            for (path, body) in [
                (FUNC_TEST, ""),
                (FUNC_TEST, "{}"),
                (LIST, ON_NODE),
                ("/v0/admin/debug/ping", ping),
                ("/v0/admin/run/bundles/ping/run", ping),
                ("/v1/jobs", PING),
            ] {
                assert_eq!(send(path, origin, media_type, body).await, 403, "{path} {origin} {media_type}");
            }
        }
    }
    assert_eq!(app.get("/v1/jobs", 200).await["items"], json!([]), "nothing was started");
    // What the reference service answers to a faulty body is answered to such pages, too.
    assert_eq!(send("/v0/admin/debug/ping", origins[0], "application/json", "{}").await, 422);
    assert_eq!(send(LIST, "http://localhost:5173", "application/json", ON_NODE).await, 200, "a trusted page");
}

#[tokio::test]
async fn dns_rebinding_gets_nothing_from_the_service_of_the_compose_file() {
    let app = with_compose_settings(Setup::new()).start();
    let port = app.address().rsplit(':').next().expect("a port").to_owned();
    let address = format!("http://127.0.0.1:{port}");
    for host in [format!("evil.example:{port}"), "evil.example".to_owned()] {
        let origin = format!("http://{host}");
        for (method, path) in [
            ("GET", "/v1/jobs"),
            ("GET", "/healthz"),
            ("POST", "/v0/admin/run/bundles/ping/run"),
            ("POST", "/v1/jobs"),
        ] {
            let request =
                reqwest::Client::new().request(method.parse().expect("a method"), format!("{address}{path}"));
            let request = request
                .header("host", &host)
                .header("origin", &origin)
                .header("content-type", "application/json");
            let body = r#"{"hosts": "localhost", "bundle": "ping"}"#;
            assert_eq!(request.body(body).send().await.expect("an answer").status(), 421, "{method} {path}");
        }
    }
    for host in ["rangehand:8000", "localhost:8000", "127.0.0.1"] {
        let found =
            reqwest::Client::new().get(format!("{address}/v1/jobs")).header("host", host).send().await;
        assert_eq!(found.expect("an answer").status(), 200, "{host}");
    }
}

async fn position(app: &TestApp, token: &str, job: Response) -> Value {
    let job: Value = job.json().await.expect("JSON");
    let path = format!("/v1/jobs/{}", job["id"].as_str().expect("an id"));
    let job: Value = call_as(app, token, "GET", &path, None).await.json().await.expect("JSON");
    job["waiting"]["position"].clone()
}

#[tokio::test]
async fn a_caller_with_many_jobs_does_not_stand_before_another() {
    let app = Setup::new()
        .set("RANGEHAND__ACCESS__MODES", "token")
        .set("RANGEHAND__RUNS__MAX_CONCURRENT", "1")
        .start();
    let (many, one) = (token(&app, "operator"), token(&app, "admin"));
    let gate = Gate::new(&app);
    let waits =
        json!({"bundle": "gate", "limit": "localhost", "extra_vars": {"gate": gate.path()}}).to_string();
    let first: Value =
        call_as(&app, &many, "POST", "/v1/jobs", Some(&waits)).await.json().await.expect("JSON");
    let mut others = Vec::new();
    for _ in 0..30 {
        let other: Value =
            call_as(&app, &many, "POST", "/v1/jobs", Some(PING)).await.json().await.expect("JSON");
        others.push(other);
    }
    let own = call_as(&app, &one, "POST", "/v1/jobs", Some(PING)).await;
    let place = position(&app, &one, own).await;
    assert!(place.as_u64().is_some_and(|place| place <= 1), "behind one at most: {place}");
    for job in others.iter().chain([&first]) {
        let path = format!("/v1/jobs/{}/cancel?wait=60", job["id"].as_str().expect("an id"));
        assert_eq!(call_as(&app, &one, "POST", &path, None).await.status(), 200);
    }
    let left =
        call_as(&app, &one, "GET", "/v1/jobs?limit=1", None).await.json::<Value>().await.expect("JSON");
    let path = format!("/v1/jobs/{}?wait=60", left["items"][0]["id"].as_str().expect("an id"));
    assert_eq!(
        call_as(&app, &one, "GET", &path, None).await.json::<Value>().await.expect("JSON")["state"],
        "succeeded"
    );
}

#[tokio::test]
async fn only_so_many_jobs_of_a_caller_and_in_all_wait() {
    let app = without_proxmox(Setup::new())
        .set("RANGEHAND__ACCESS__MODES", "token")
        .set("RANGEHAND__RUNS__MAX_CONCURRENT", "1")
        .set("RANGEHAND__LIMITS__QUEUED_PER_CLIENT", "2")
        .set("RANGEHAND__LIMITS__QUEUED", "3")
        .start();
    let (first, second) = (token(&app, "operator"), token(&app, "admin"));
    let (gate, ping) = (Gate::new(&app), r#"{"bundle": "ping", "limit": "px"}"#);
    let waits = json!({"bundle": "gate", "limit": "px", "extra_vars": {"gate": gate.path()}}).to_string();
    let ended: Value =
        call_as(&app, &first, "POST", "/v1/jobs?wait=60", Some(ping)).await.json().await.expect("JSON");
    assert_eq!(call_as(&app, &first, "POST", "/v1/jobs", Some(&waits)).await.status(), 202);
    until_async("the job runs", async || jobs(&app, &first, "?state=running").await == 1).await;
    for (token, status) in [(&first, 202), (&first, 202), (&first, 429), (&second, 202), (&second, 429)] {
        let answer = call_as(&app, token, "POST", "/v1/jobs", Some(ping)).await;
        assert_eq!(answer.status(), status);
        if status == 429 {
            assert!(answer.headers().contains_key("retry-after"));
            assert_eq!(problem(answer, 429).await, "queue_full");
        }
    }
    let again = format!("/v1/jobs/{}/retry", ended["id"].as_str().expect("an id"));
    assert_eq!(problem(call_as(&app, &first, "POST", &again, None).await, 429).await, "queue_full");
    let v0 = call_as(&app, &second, "POST", LIST, Some(ON_NODE)).await;
    assert_eq!((v0.status().as_u16(), v0.headers().contains_key("retry-after")), (429, true));
    gate.open();
    until_async("no job waits", async || jobs(&app, &first, "?state=queued").await == 0).await;
    assert_eq!(call_as(&app, &first, "POST", "/v1/jobs?wait=60", Some(ping)).await.status(), 200);
}

#[tokio::test]
async fn a_call_that_waits_is_not_answered_when_its_token_was_revoked() {
    let app = with_tokens(Setup::new());
    let (revoked, kept) = (token(&app, "admin"), token(&app, "admin"));
    let gate = Gate::new(&app);
    let waits =
        json!({"bundle": "gate", "limit": "localhost", "extra_vars": {"gate": gate.path()}}).to_string();
    let waiting = call_as(&app, &revoked, "POST", "/v1/jobs?wait=100", Some(&waits));
    let revoke = async {
        until_async("the request waits for its job", async || jobs(&app, &kept, "").await == 1).await;
        let waits_since = Instant::now();
        assert!(run(&app, &["token", "revoke", &revoked[3..15]]).status.success());
        // A request that takes less time than this is not checked again.
        until("the request has waited for a second", || waits_since.elapsed() > Duration::from_secs(1)).await;
        gate.open();
    };
    let (answer, ()) = tokio::join!(waiting, revoke);
    assert_eq!(answer.status(), 401);
    let problem: Value = answer.json().await.expect("JSON");
    assert_eq!(problem["code"], "bad_credentials", "{problem:#}");
    let detail = problem["detail"].as_str().expect("text");
    assert!(
        detail.contains("while the request waited"),
        "the token was valid when the request came: {detail}"
    );
    until_async("the job succeeds", async || jobs(&app, &kept, "?state=succeeded").await == 1).await;
    assert_eq!(call(&app, "GET", "/healthz", &[], None).await.status(), 200);
}
