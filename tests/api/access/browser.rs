//! Pages of an attacker in a real Chromium, against services that authenticate no caller: cross-site requests and DNS
//! rebinding. Each test first shows that a page of an allowed origin succeeds with what the attacker's page fails with.

mod attacker;

use std::net::SocketAddr;

use serde_json::{Map, Value, json};

use self::attacker::{Attacker, rebinding};
use testkit::{
    Browser, Setup, TestApp,
    access::{NO_JOB, audit_records, with_compose_settings, with_tokens},
    until, until_async,
};

const CROSS_SITE: &str = include_str!("browser/cross_site.html");
const REBOUND: &str = include_str!("browser/rebound.html");
/// The attacker's name leads to this machine, and no other name leads anywhere.
const NAMES: &str = "MAP attacker.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost";

fn port(app: &TestApp) -> u16 {
    app.address().rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port")
}

/// A job that has ended, for pages to read.
async fn ended_job(app: &TestApp) -> String {
    let job = app.run(&json!({"bundle": "ping", "limit": "localhost"})).await;
    until("its creation is recorded", || audit_records(app).len() == 2).await;
    job["id"].as_str().expect("an id").to_owned()
}

async fn jobs(app: &TestApp) -> usize {
    app.get("/v1/jobs", 200).await["items"].as_array().expect("a list").len()
}

/// Opens the page. Returns its report.
async fn reported(attacker: &mut Attacker, address: &str) -> Option<Value> {
    let page = Browser::find()?.open(NAMES, address);
    let report = attacker.report().await;
    drop(page);
    Some(report)
}

fn results(report: &Value) -> &Map<String, Value> {
    report["results"].as_object().expect("results")
}

fn text<'a>(report: &'a Value, attempt: &str) -> &'a str {
    report["results"][attempt].as_str().unwrap_or_else(|| panic!("no `{attempt}`: {report:#}"))
}

/// How often the service rejected a request for this path with this status, according to its log.
fn refused(app: &TestApp, path: &str, status: u16) -> usize {
    let (path, status) = (format!("http.path=\"{path}\""), format!("http.status={status}"));
    app.log().lines().filter(|line| line.contains(&path) && line.contains(&status)).count()
}

/// What the page could do although it is the attacker's.
fn successes(report: &Value) -> Vec<(&String, &Value)> {
    let is_harmless = |result: &str| {
        ["failed", "nothing", "sent"].iter().any(|harmless| result.split(':').next() == Some(harmless))
    };
    results(report).iter().filter(|(_, result)| !result.as_str().is_some_and(is_harmless)).collect()
}

async fn cross_site_requests_achieve_nothing(setup: Setup) {
    let app = setup.start();
    let job = ended_job(&app).await;
    let before = audit_records(&app).len();
    let mut attacker = Attacker::start(CROSS_SITE).await;
    let address = |host: &str, only: &str| {
        let (own, service) = (attacker.port, port(&app));
        format!("http://{host}:{own}/?service=http://127.0.0.1:{service}&job={job}&only={only}")
    };
    let (own, foreign) =
        (address("localhost", "read /v1/jobs,socket /ws/nothing"), address("attacker.test", ""));
    let Some(report) = reported(&mut attacker, &own).await else { return };
    assert!(text(&report, "read /v1/jobs").contains(&job), "{report:#}");
    assert!(text(&report, "socket /ws/nothing").contains("not found"), "{report:#}");

    let report = reported(&mut attacker, &foreign).await.expect("a browser");
    assert!(results(&report).len() > 100, "every attempt was made: {report:#}");
    let succeeded = successes(&report);
    assert!(succeeded.is_empty(), "{succeeded:#?}");
    // What a browser sends without a preflight came to the service, and was refused there.
    for (path, times) in report["sent"].as_object().expect("counts") {
        let times = usize::try_from(times.as_u64().expect("a count")).expect("a small number");
        until(&format!("{times} requests for {path} are refused"), || refused(&app, path, 403) >= times)
            .await;
    }
    assert_eq!(jobs(&app).await, 1, "no job was created, and none deleted");
    let records = audit_records(&app);
    assert_eq!(records.len(), before, "nothing was about to be changed or inspected: {records:#?}");
}

#[tokio::test]
async fn a_page_of_another_site_makes_a_browser_start_read_and_open_nothing() {
    cross_site_requests_achieve_nothing(Setup::new()).await;
}

#[tokio::test]
async fn a_page_of_another_site_achieves_nothing_with_the_settings_of_the_compose_file() {
    cross_site_requests_achieve_nothing(with_compose_settings(Setup::new())).await;
}

/// Opens the page under a name that resolves to the service once the page is loaded. Returns its report.
async fn rebound(app: &TestApp, host: &str, job: &str) -> Option<Value> {
    let mut attacker = Attacker::start("").await;
    let forwarder = rebinding(REBOUND, SocketAddr::from(([127, 0, 0, 1], port(app)))).await;
    let (of_reports, page) = (attacker.port, format!("http://{host}:{forwarder}"));
    let address = format!("{page}/?job={job}&report=http://127.0.0.1:{of_reports}/report");
    reported(&mut attacker, &address).await
}

async fn dns_rebinding_achieves_nothing(setup: Setup) {
    let app = setup.start();
    let job = ended_job(&app).await;
    let before = audit_records(&app).len();
    let Some(report) = rebound(&app, "attacker.test", &job).await else { return };
    assert!(results(&report).len() > 10, "every attempt was made: {report:#}");
    for (attempt, result) in results(&report) {
        let result = result.as_str().expect("text");
        // The page may read that it is refused, and nothing else.
        let is_refused = result == "failed" || result.starts_with("421 ");
        assert!(is_refused, "{attempt}: {result}");
        assert!(!result.contains(&job) && !result.contains("items"), "{attempt}: {result}");
    }
    assert_eq!(jobs(&app).await, 1, "no job was created, and none deleted");
    assert_eq!(audit_records(&app).len(), before, "nothing was about to be changed");
    assert!(app.log().contains("a caller named a host that is not this one"));

    // The same page under a name of this machine is allowed: the attempts are real.
    let report = rebound(&app, "localhost", &job).await.expect("a browser");
    assert!(text(&report, "GET /v1/jobs").starts_with("200 "), "{report:#}");
    assert!(text(&report, "POST /v1/jobs").starts_with("202 "), "{report:#}");
    assert!(text(&report, "DELETE").starts_with("20"), "{report:#}");
    assert_ne!(text(&report, "socket /ws/vm-status"), "failed", "{report:#}");
    until_async("all jobs have ended", async || {
        let running = app.get("/v1/jobs?state=running", 200).await;
        let queued = app.get("/v1/jobs?state=queued", 200).await;
        running["items"] == json!([]) && queued["items"] == json!([])
    })
    .await;
}

#[tokio::test]
async fn dns_rebinding_in_a_browser_achieves_nothing() {
    dns_rebinding_achieves_nothing(Setup::new()).await;
}

#[tokio::test]
async fn dns_rebinding_in_a_browser_achieves_nothing_with_the_settings_of_the_compose_file() {
    dns_rebinding_achieves_nothing(with_compose_settings(Setup::new())).await;
}

#[tokio::test]
async fn a_rebound_page_has_no_credentials_where_callers_are_authenticated() {
    let app = with_tokens(Setup::new());
    let Some(report) = rebound(&app, "attacker.test", NO_JOB.trim_start_matches("/ws/")).await else {
        return;
    };
    for (attempt, result) in results(&report) {
        let result = result.as_str().expect("text");
        let is_open = matches!(attempt.as_str(), "GET /healthz" | "GET /docs/openapi.json");
        assert!(is_open || result == "failed" || result.starts_with("401 "), "{attempt}: {result}");
    }
}
