//! The bundles for the default machines.

use serde_json::{Value, json};

use super::Lab;

fn bundle(name: &str) -> String {
    format!("core/proxmox/configure/default/vms/{name}")
}

fn ids(list: &Value) -> Vec<&Value> {
    list.as_array().map(|list| list.iter().map(|one| &one["vm_id"]).collect()).unwrap_or_default()
}

#[tokio::test]
async fn a_student_box_lives_from_creation_to_deletion() {
    let lab = Lab::with(&[("default_trainee_vm_ci_user", json!("bob"))]);
    let init = json!({
        // `playbook` names a file; the bundle's own is `main.yml`.
        "playbook": format!("bundles/{}", bundle("create-vms-student/init")),
        "tags": ["student-box-01"],
        "extra_vars": {
            "proxmox_node": "pve1", "global_vm_id": 3001, "global_vm_ci_ip": "192.0.2.60", "global_vm_description": "d",
        },
    });
    for turn in ["made", "left as it is"] {
        lab.done(init.clone()).await;
        assert_eq!(lab.simulator.count("POST", "nodes/pve1/qemu/9000/clone").await, 1, "{turn}");
    }
    let config = lab.simulator.read("nodes/pve1/qemu/3001/config").await;
    assert_eq!((&config["name"], &config["tags"]), (&json!("student-box-01"), &json!("student")));
    assert_eq!(
        (&config["ipconfig0"], &config["ciuser"]),
        (&json!("ip=192.0.2.60/24,gw=192.0.2.1"), &json!("bob"))
    );
    assert!(config["net0"].as_str().is_some_and(|device| device.contains("bridge=vmbr143")), "{config}");

    let on_node = json!({"proxmox_node": "pve1"});
    let run = |name: &str, variables: &Value| {
        lab.done(json!({"bundle": bundle(name), "limit": "pve1", "extra_vars": variables}))
    };
    let started = run("create-vms-student", &on_node).await;
    assert_eq!(started["vm_start"][0]["vm_status"], "running");
    let snapshot = run("snapshot/create-vms-student", &on_node).await["snapshot_vm_create"][0].clone();
    assert_eq!((&snapshot["vm_id"], &snapshot["vm_name"]), (&json!(3001), &json!("student-box-01")));
    let named = json!({"proxmox_node": "pve1", "VM_SNAPSHOT_NAME": snapshot["vm_snapshot_name"]});
    let reverted = run("snapshot/revert-vms-student", &named).await;
    assert_eq!(reverted["snapshot_vm_revert"][0]["vm_snapshot_name"], snapshot["vm_snapshot_name"]);
    for (action, status) in
        [("vm_start", "running"), ("vm_pause", "paused"), ("vm_resume", "running"), ("vm_stop", "stopped")]
    {
        let power = json!({"proxmox_node": "pve1", "proxmox_vm_action": action});
        let results = run("start-stop-pause-resume-vms-student", &power).await;
        assert_eq!(results[action][0]["vm_status"], status);
        assert_eq!(ids(&results[action]), [&json!(3001)]);
    }
    assert_eq!(ids(&run("delete-vms-student", &on_node).await["vm_delete"]), [&json!(3001)]);
    assert_eq!(
        run("delete-vms-student", &on_node).await["vm_delete"],
        Value::Null,
        "nothing is left to delete"
    );
}

#[tokio::test]
async fn the_mass_routes_take_any_machine_and_stop_at_the_first_failure() {
    let lab = Lab::new();
    let power = bundle("start-stop-pause-resume-vms-vuln");
    let request = json!({"bundle": power, "limit": "pve1", "extra_vars": {
        "PROXMOX_NODE": "pve1", "PROXMOX_VM_ACTION": "vm_start", "VM_IDS": ["101", "777", "100"],
    }});
    let job = lab.run(request).await;
    assert_eq!((&job["state"], &job["rc"]), (&json!("failed"), &json!(2)), "{job:#}");
    assert_eq!(ids(&job.results().await["vm_start"]), [&json!("101")]);

    let request = json!({"bundle": bundle("delete-vms-vuln"), "limit": "pve1", "extra_vars": {
        "PROXMOX_NODE": "pve1", "VMS": [{"ID": "101", "NAME": "db-01"}, {"ID": "100", "NAME": "web-01"}],
    }});
    let results = lab.done(request).await;
    assert_eq!(ids(&results["vm_delete"]), [&json!(101), &json!(100)]);
    let left = lab.simulator.read("nodes/pve1/qemu").await;
    let left: Vec<_> = left.as_array().expect("a list").iter().map(|machine| &machine["vmid"]).collect();
    assert_eq!(left, [&json!(9000)]);
}

#[tokio::test]
async fn a_machine_with_another_name_is_neither_deleted_nor_replaced() {
    // In this cluster another machine has the usual ID of the student box.
    let set = json!({"template": 9000, "bridge": "vmbr143", "netmask": 24, "tag": "student",
        "machines": [{"name": "student-box-01", "id": 101}]});
    let lab = Lab::with(&[("proxmox_vms_student", set)]);
    let delete = json!({"bundle": bundle("delete-vms-student"), "limit": "pve1", "extra_vars": {"proxmox_node": "pve1"}});
    lab.done(delete).await;
    let create = json!({
        "playbook": format!("bundles/{}", bundle("create-vms-student/init")), "tags": ["student-box-01"],
        "extra_vars": {
            "proxmox_node": "pve1", "global_vm_id": 101, "global_vm_ci_ip": "192.0.2.60", "global_vm_description": "d",
        },
    });
    let job = lab.run(create).await;
    assert_eq!(job["state"], "failed", "{job:#}");
    let message = job["failures"][0]["message"].as_str().expect("a text");
    assert!(message.contains("the id 101 belongs to `db-01`"), "{message}");
    assert_eq!(lab.simulator.changes().await, []);
}
