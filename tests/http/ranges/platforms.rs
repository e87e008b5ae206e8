//! Platforms of the settings, and ranges on this machine.

use std::{path::Path, process::Command};

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Setup, TestApp};

use super::{call, created, destroyed, waiting};

/// A service with a simulated platform `lab`, on which nothing takes time.
fn service_with_lab() -> Setup {
    Setup::without_ansible()
        .set("RANGEHAND__PLATFORMS__LAB__KIND", "simulated")
        .set("RANGEHAND__PLATFORMS__LAB__LATENCIES", "all_ms=0")
}

/// A router and two machines on the other side of it, as network namespaces.
fn namespaces(platform: &str) -> Value {
    json!({
        "name": "small", "platform": platform,
        "networks": {"dmz": {"cidr": "10.83.1.0/24"}, "inside": {"cidr": "10.83.2.0/24"}},
        "machines": {
            "gw": {"kind": "namespace", "role": "router", "networks": ["dmz", "inside"]},
            "web": {"kind": "namespace", "networks": ["dmz"]},
            "db": {"kind": "namespace", "networks": ["inside"]},
        },
        "rules": [{"from": "dmz", "to": "inside", "allow": ["icmp"]}],
    })
}

#[tokio::test]
async fn the_platforms_of_the_settings_are_listed_and_used() {
    let mut app = service_with_lab().set("RANGEHAND__PLATFORMS__SIMULATED__ENABLED", "false").start();
    let listed = app.get("/v1/platforms", 200).await;
    assert_eq!(
        listed["items"],
        json!([{"name": "lab", "kind": "simulated"}, {"name": "local", "kind": "local"}])
    );
    assert_eq!(app.get("/v1/platforms/simulated", 404).await["code"], "unknown_platform");
    assert!(!app.home().join("var/platforms").exists(), "a platform that isn't used creates nothing");
    created(&app, &namespaces("lab")).await;
    assert!(app.home().join("var/platforms/lab.jsonl").exists(), "its state is kept");
    app.kill();
    app.start_again();
    let plan = call(&app, Method::POST, "/v1/ranges/small/plan", &namespaces("lab"), 200).await;
    assert_eq!(plan["steps"], json!([]), "the range still exists: {plan:#}");
    destroyed(&app, "small").await;
}

#[tokio::test]
async fn faults_of_the_settings_happen() {
    let app = service_with_lab()
        .set(
            "RANGEHAND__PLATFORMS__LAB__FAULTS",
            r#"[{"call": "power", "thing": "web", "effect": {"refuse": "no quota"}}]"#,
        )
        .start();
    let change = call(&app, Method::POST, &waiting("/v1/ranges"), &namespaces("lab"), 200).await;
    assert_eq!(change["job"]["state"], "failed", "{change:#}");
    assert!(change["job"].to_string().contains("no quota"), "{change:#}");
}

#[tokio::test]
async fn a_machine_is_awaited_as_long_as_its_document_or_the_settings_say() {
    let app = service_with_lab()
        .set("RANGEHAND__PLATFORMS__LAB__FAULTS", r#"[{"call": "wait", "effect": "never_ready"}]"#)
        .set("RANGEHAND__RANGES__READY_WITHIN_S", "1")
        .start();
    let mut document = namespaces("lab");
    for (ready, limit) in [
        (json!({}), "after 1 s"),
        (json!({"gw": {"within": "2s"}, "web": {"within": "2s"}, "db": {"within": "2s"}}), "after 2 s"),
    ] {
        document["ready"] = ready;
        let change = call(&app, Method::POST, &waiting("/v1/ranges"), &document, 200).await;
        let why = change["job"]["reason"]["message"].as_str().expect("a reason");
        assert!(why.contains(limit) && why.contains("Welcome to emergency mode!"), "{why}");
    }
}

#[tokio::test]
async fn a_platform_that_does_not_work_returns_the_reason_and_the_service_starts() {
    let setup = service_with_lab().set("RANGEHAND__PLATFORMS__LAB__STATE_FILE", "blocked/lab.jsonl");
    setup.write("blocked", "a file");
    let app = setup.start();
    let problem = app.get("/v1/platforms/lab", 503).await;
    assert_eq!(problem["code"], "platform_unavailable", "{problem:#}");
    assert!(problem["detail"].to_string().contains("blocked/lab.jsonl"), "{problem:#}");
    assert!(problem["hint"].to_string().contains("state_file"), "{problem:#}");
    app.get("/v1/platforms/simulated", 200).await;
}

#[tokio::test]
#[expect(clippy::print_stderr, reason = "the person who runs the tests should see what was not tested")]
async fn a_range_exists_on_this_machine_and_leaves_nothing() {
    let app = Setup::without_ansible().set("RANGEHAND__RANGES__SERVICE", "tests").start();
    let described = reqwest::get(format!("{}/v1/platforms/local", app.address())).await.unwrap();
    if !described.status().is_success() {
        eprintln!("WARNING: NOT TESTED: the local platform: {}", described.text().await.unwrap());
        return;
    }
    let links =
        || Command::new("ip").args(["-o", "link"]).output().map(|output| output.stdout).unwrap_or_default();
    let before = links().len();
    let change = created(&app, &namespaces("local")).await;
    let id = change["range"]["id"].as_str().unwrap().to_owned();
    assert_eq!(links().len(), before, "nothing appears in the namespace of this machine");
    let run = app.runtime().join("platform-local");
    let owner = format!("rangehand/tests/{id}");
    let found = connection(&app, &run, &owner, "web");
    assert!(found.contains("Permission denied (publickey"), "an SSH server responds: {found}");
    let found = connection(&app, &run, &owner, "nowhere");
    assert!(found.contains("machine `nowhere`") && found.contains("does not exist"), "{found}");
    destroyed(&app, "small").await;
    assert!(!run.join("tests").exists(), "{} is left", run.display());
}

/// What `ssh` prints that connects through the program, without a key.
fn connection(app: &TestApp, run: &Path, owner: &str, machine: &str) -> String {
    let program = app.command().get_program().to_string_lossy().into_owned();
    let output = Command::new("ssh")
        .args([
            "-F",
            "/dev/null",
            "-n",
            "-o",
            "BatchMode=yes",
            "-o",
            "IdentitiesOnly=yes",
            "-o",
            "IdentityFile=none",
        ])
        .args([
            "-o",
            "StrictHostKeyChecking=no",
            "-o",
            "UserKnownHostsFile=/dev/null",
            "-o",
            "ProxyUseFdpass=yes",
            "-o",
        ])
        .arg(format!("ProxyCommand={program} connect {} {owner} {machine} 22", run.display()))
        .args([machine, "true"])
        .output()
        .expect("`ssh` starts");
    String::from_utf8_lossy(&output.stderr).into_owned()
}
