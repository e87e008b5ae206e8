//! The scripts of `curl_utils/`, run as a user runs them.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;
use testkit::TestApp;

use super::stub;

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("curl_utils")
}

fn run(app: &TestApp, script: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(directory().join(script));
    command.args(arguments).env("BASE_URL", app.address()).env("no_proxy", "*");
    command.output().unwrap_or_else(|error| panic!("{script}: {error}"))
}

/// The inventory is searched for after the body was parsed, so without one every request reaches that point.
#[tokio::test]
async fn every_script_is_understood() {
    let setup = stub();
    std::fs::remove_file(setup.home().join("inventory/hosts.yml")).expect("it is there");
    let app = setup.start();
    let of_v0 = |name: &String| name.ends_with(".sh") && !name.starts_with("ranges/");
    let scripts = rangehand::http::documents::curl_utils().into_keys().filter(of_v0);
    let mut misunderstood = Vec::new();
    for script in scripts {
        let output = run(&app, &script, &[]);
        let reply = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.code() != Some(22) || !reply.contains(":: err - INVENTORY NOT FOUND") {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            misunderstood.push(format!("{script}: {} {reply} {said}", output.status));
        }
    }
    assert!(misunderstood.is_empty(), "{misunderstood:#?}");
}

/// One of each kind: an action, one with a look-up, names, several steps, many machines, no body.
#[tokio::test]
async fn scripts_run_what_they_say() {
    let app = stub().start();
    for script in [
        "debug/ping.sh",
        "debug/func_test.sh",
        "proxmox/lxc/delete.sh",
        "proxmox/network/node/list.sh",
        "proxmox/vms/vm_id/clone.sh",
        "proxmox/vms/vm_ids/start.sh",
        "run/bundles/core/proxmox/configure/default/create-vms-student.sh",
        "run/bundles/name/run.sh",
        "run/scenarios/name/run.sh",
    ] {
        let output = run(&app, script, &[]);
        let reply: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        assert!(output.status.success(), "{script}: {reply}");
        assert!(reply.is_null() || reply["rc"] == 0, "{script}: {reply}");
    }
}

#[tokio::test]
async fn scripts_create_show_and_destroy_a_range() {
    let setup = stub().set("RANGEHAND__PLATFORMS__SIMULATED__LATENCIES", "all_ms=0");
    let app = setup.start();
    for (script, query) in [
        ("create_range.sh", "wait=60"),
        ("show_range.sh", ""),
        ("list_range_machines.sh", ""),
        ("stop_range.sh", "wait=60"),
        ("show_platform.sh", ""),
        ("destroy_range.sh", "wait=60"),
    ] {
        let mut command = Command::new(directory().join("ranges").join(script));
        command.env("BASE_URL", app.address()).env("no_proxy", "*").env("QUERY", query);
        let output = command.output().unwrap_or_else(|error| panic!("{script}: {error}"));
        let reply: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        assert!(output.status.success() && reply.is_object(), "{script}: {reply}");
    }
}

#[tokio::test]
async fn a_script_takes_another_body_and_tells_of_a_refusal() {
    let app = stub().start();
    let refused = run(&app, "proxmox/vms/vm_id/start.sh", &[r#"{"proxmox_node": "pve01", "vm_id": "x"}"#]);
    assert_eq!(refused.status.code(), Some(22));
    let reply: Value = serde_json::from_slice(&refused.stdout).expect("the reply is printed");
    assert_eq!(reply["detail"][0]["field"], "body.vm_id");
    let listed = run(&app, "proxmox/vms/list.sh", &[r#"{"proxmox_node": "pve02"}"#]);
    let reply: Value = serde_json::from_slice(&listed.stdout).expect("the reply is printed");
    assert_eq!((listed.status.code(), &reply["rc"]), (Some(0), &Value::from(0)));
}
