//! How the role handles locks, warnings, failures, and wrong settings.

use serde_json::{Value, json};

use super::Lab;

const START: &str = "nodes/pve1/qemu/101/status/start";

fn machine() -> Value {
    json!({"vm_id": "101"})
}

/// Asserts that a job failed, with the reason.
fn assert_failed(job: &Value, why: &[&str]) {
    assert_eq!(job["state"], "failed", "{job:#}");
    let message = job["failures"][0]["message"].as_str().expect("a text");
    for part in why {
        assert!(message.contains(part), "`{part}` is not in: {message}");
    }
}

#[tokio::test]
async fn a_call_that_a_lock_stands_in_the_way_of_is_repeated() {
    let lab = Lab::new();
    let locked = json!({
        "method": "POST", "path": "/qemu/101/status/start", "status": 500, "message": "VM is locked (backup)", "times": 2,
    });
    lab.simulator.post("/fail", locked).await;
    let job = lab.act("vm_start", machine()).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    assert_eq!(lab.simulator.count("POST", START).await, 3);
    assert_eq!(job.results().await["vm_start"][0]["vm_status"], "running");

    // The same within the task, where it is the worker that waits in vain.
    let end = json!({
        "type": "qmstop", "instead": "can't lock file '/var/lock/qemu-server/lock-101.conf' - got timeout", "times": 1,
    });
    lab.simulator.post("/task", end).await;
    let job = lab.act("vm_stop_force", machine()).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    assert_eq!(lab.simulator.count("POST", "nodes/pve1/qemu/101/status/stop").await, 2);
    assert_eq!(lab.simulator.read("nodes/pve1/qemu/101/status/current").await["status"], "stopped");
}

#[tokio::test]
async fn a_lock_that_stays_is_a_failure_after_a_while() {
    let lab = Lab::with(&[("proxmox_lock_timeout", json!(1))]);
    lab.simulator.post("/lock", json!({"vmid": 101, "lock": "backup", "seconds": 600})).await;
    let job = lab.act("vm_start", machine()).await;
    assert_failed(&job, &["VM is locked (backup)"]);
    assert!(lab.simulator.count("POST", START).await >= 2);
}

#[tokio::test]
async fn a_task_that_ends_with_warnings_has_succeeded() {
    let lab = Lab::new();
    lab.simulator.post("/task", json!({"type": "qmstart", "exitstatus": "WARNINGS: 1"})).await;
    let job = lab.act("vm_start", machine()).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    assert_eq!(job.results().await["vm_start"][0]["vm_status"], "running");
    let log = job.log().await;
    assert!(log.contains("ended with WARNINGS: 1"), "{log}");
}

#[tokio::test]
async fn a_task_that_fails_fails_the_job_and_says_why() {
    let lab = Lab::new();
    lab.simulator.post("/task", json!({"type": "qmstart", "instead": "start failed: no KVM here"})).await;
    let job = lab.act("vm_start", machine()).await;
    assert_failed(&job, &["the task failed: start failed: no KVM here", "TASK ERROR"]);
    assert_eq!(lab.simulator.count("POST", START).await, 1, "this is no lock");
    assert_eq!(job.results().await, json!({}));
}

#[tokio::test]
async fn refusals_have_the_messages_of_proxmox() {
    let lab = Lab::new();
    let missing = lab.act("vm_start", json!({"vm_id": "777"})).await;
    assert_failed(&missing, &["qemu-server/777.conf", "does not exist"]);
    let bad = lab.act("snapshot_vm_create", json!({"vm_id": "101", "vm_snapshot_name": "a b"})).await;
    assert_failed(&bad, &["snapname"]);
    let climbing = lab.act("snapshot_vm_delete", json!({"vm_id": "101", "vm_snapshot_name": ".."})).await;
    assert_failed(&climbing, &["cannot be a part of the path"]);
    let unknown = lab.act("vm_explode", json!({})).await;
    assert_failed(&unknown, &["unknown action `vm_explode`", "vm_start"]);
    let incomplete = lab.act("vm_clone", json!({"vm_id": "101"})).await;
    assert_failed(&incomplete, &["vm_clone needs vm_new_id, vm_name"]);
    assert_eq!(lab.simulator.changes().await.len(), 2, "the others were not sent");
}

#[tokio::test]
async fn values_are_data_and_no_templates() {
    let lab = Lab::new();
    let name = "{{ 7 * 6 }}";
    let job = lab
        .act(
            "vm_clone",
            json!({
                "vm_id": "9000", "vm_new_id": "120", "vm_name": "plain", "vm_description": name,
            }),
        )
        .await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    let config = lab.simulator.read("nodes/pve1/qemu/120/config").await;
    assert_eq!(config["description"].as_str().map(str::trim), Some(name));
}

#[tokio::test]
async fn a_wrong_token_and_an_unknown_certificate_are_refused() {
    let lab = Lab::with(&[("proxmox_api_token_secret", json!("not-the-secret"))]);
    assert_failed(&*lab.act("vm_list", json!({})).await, &["authentication failure", "401"]);
    let lab = Lab::with(&[("proxmox_api_ca_path", Value::Null)]);
    assert_failed(&*lab.act("vm_list", json!({})).await, &["is not trusted", "proxmox_api_ca_path"]);
}

#[tokio::test]
async fn on_a_loopback_address_any_certificate_will_do_unless_it_shall_not() {
    let lab = Lab::with(&[("proxmox_api_ca_path", Value::Null), ("proxmox_api_validate_certs", Value::Null)]);
    let job = lab.act("vm_list", json!({})).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
}

#[tokio::test]
async fn a_check_changes_nothing() {
    let lab = Lab::new();
    let mut request = super::generic("vm_start", machine());
    request["check"] = json!(true);
    let results = lab.done(request).await;
    assert_eq!(results["vm_start"][0]["vm_status"], "stopped");
    assert_eq!(lab.simulator.changes().await, []);
}
