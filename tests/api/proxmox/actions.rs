//! Every action, in three jobs: its results, and the state after it.

use serde_json::{Value, json};

use super::{Lab, generic};

/// The objects of a list that have these values.
fn with<'list>(list: &'list Value, name: &str, value: &Value) -> Option<&'list Value> {
    list.as_array().expect("a list").iter().find(|item| item[name] == *value)
}

/// An object without its `raw_data` or `raw_info`, whose task ids differ from run to run.
fn plain(value: &Value) -> Value {
    let mut value = value.clone();
    for name in ["raw_data", "raw_info"] {
        if let Some(raw) = value.as_object_mut().expect("an object").remove(name) {
            assert!(raw["data"].as_str().is_some_and(|text| text.starts_with("UPID:pve1:")), "{raw}");
        }
    }
    value
}

fn result(action: &str, more: &Value) -> Value {
    let mut value = json!({"action": action, "source": "proxmox", "proxmox_node": "pve1"});
    let more = more.as_object().expect("an object").clone();
    value.as_object_mut().expect("an object").extend(more);
    value
}

#[tokio::test]
async fn machines_are_made_driven_and_deleted() {
    let lab = Lab::new();
    let results = lab.done(json!({"playbook": "machines", "extra_vars": {"password": lab.password}})).await;

    let created = result(
        "vm_create",
        &json!({
            "vm_id": 110, "vm_name": "new-01", "vm_cpu": "host", "vm_cores": 2, "vm_sockets": 1, "vm_memory": 512,
            "vm_scsi0": "local-lvm:4,format=raw", "vm_ide2": "local:iso/debian.iso,media=cdrom",
            "vm_net0": "virtio,bridge=vmbr0",
        }),
    );
    assert_eq!(results["vm_create"].as_array().map(Vec::len), Some(1), "a taken ID has no result");
    assert_eq!(plain(&results["vm_create"][0]), created);
    let cloned = json!({
        "vm_id": "111", "vm_id_clone_from": "9000", "vm_name": "copy-01", "vm_description": "a copy",
    });
    assert_eq!(plain(&results["vm_clone"][0]), result("vm_clone", &cloned));
    for (action, statuses) in [
        ("vm_start", vec!["running", "running"]),
        ("vm_pause", vec!["paused"]),
        ("vm_resume", vec!["running"]),
    ] {
        let found: Vec<_> =
            results[action].as_array().expect("a list").iter().map(|one| one["vm_status"].clone()).collect();
        assert_eq!(found, statuses, "{action}");
    }
    let stopped = json!([{"vm_id": "111", "vm_name": "copy-01", "vm_status": "stopped"}, {"vm_id": "100", "vm_name": "web-01", "vm_status": "stopped"}]);
    for (number, more) in stopped.as_array().expect("a list").iter().enumerate() {
        assert_eq!(results["vm_stop"][number], result("vm_stop", more));
    }
    assert_eq!(results["vm_stop_force"][0], result("vm_stop_force", &stopped[1]));
    assert_eq!(
        results["vm_set_tag"][0],
        json!({"action": "vm_set_tag", "source": "proxmox", "tags": "one,two"})
    );
    assert_eq!(results["cloudinit_set_variables"][0]["cipassword"], "***");

    let config = lab.simulator.read("nodes/pve1/qemu/111/config").await;
    assert_eq!(config["ipconfig0"], "ip=192.0.2.5/24,gw=192.0.2.1");
    assert_eq!(config["sshkeys"], "ssh-ed25519%20AAAA%2Bb%2Fc%20alice%40x");
    assert_eq!(
        (&config["ciuser"], &config["nameserver"]),
        (&json!("alice"), &json!("192.0.2.53 192.0.2.54"))
    );
    assert_eq!(
        config["tags"].as_str().map(|tags| tags.replace(',', ";")),
        Some("one;two".into()),
        "as before the revert"
    );
    let net1 = config["net1"].as_str().expect("a device");
    for part in ["bridge=vmbr8", "tag=5", "firewall=1", "link_down=0"] {
        assert!(net1.contains(part), "{net1}");
    }
    assert!(config["net0"].as_str().is_some_and(|net0| net0.contains("bridge=vmbr7")), "{config}");
    assert!(config["net2"].is_null(), "{config}");

    let nics = &results["network_list_interfaces_vm"][0];
    let second = with(nics, "vm_network_device", &json!("net2")).expect("it was there");
    assert_eq!(
        (&second["vm_network_mac"], &second["vm_network_bridge"]),
        (&json!("BC:24:11:00:00:09"), &json!("vmbr9"))
    );
    assert!(second.get("vm_network_firewall").is_none(), "{second}");

    let snapshots = &results["snapshot_vm_list"][0];
    let after = with(snapshots, "vm_snapshot_name", &json!("after")).expect("it was taken");
    assert_eq!(
        (&after["vm_snapshot_parent"], &after["vm_snapshot_description"]),
        (&json!("before"), &json!("with words"))
    );
    let left = lab.simulator.read("nodes/pve1/qemu/111/snapshot").await;
    assert!(
        with(&left, "name", &json!("after")).is_some() && with(&left, "name", &json!("before")).is_none(),
        "{left}"
    );

    let cdrom = json!({
        "vm_id": "110", "vm_cdrom_device": "ide2", "vm_cdrom_iso": "local:iso/debian.iso", "vm_cdrom_media": "cdrom",
        "vm_cdrom_size": "1M",
    });
    assert_eq!(results["vm_get_config_cdrom"][0], result("vm_get_config_cdrom", &cdrom));
    let cpu = json!({"vm_id": "110", "vm_arch": "host", "vm_cores": 2, "vm_sockets": 1});
    assert_eq!(results["vm_get_config_cpu"][0], result("vm_get_config_cpu", &cpu));
    assert_eq!(results["vm_get_config_ram"][0]["vm_ram_allocated"], "512");
    let whole = &results["vm_get_config"][0]["raw_data"]["data"];
    assert_eq!((&whole["name"], &whole["cipassword"]), (&json!("copy-01"), &json!("***")));

    let machines = lab.simulator.read("nodes/pve1/qemu").await;
    assert!(with(&machines, "vmid", &json!(101)).is_none(), "{machines}");
    assert_eq!(
        plain(&results["vm_delete"][0]),
        result("vm_delete", &json!({"vm_id": 101, "vm_name": "db-01"}))
    );
    let listed = with(&results["vm_list"][0], "vm_id", &json!(9000)).expect("it is there");
    assert_eq!((&listed["vm_template"], &listed["vm_status"]), (&json!(1), &json!("stopped")));
    assert!(listed["vm_meta"]["ram_max"].is_u64(), "{listed}");
    let used = with(&results["vm_list_usage"][0], "vm_id", &json!(110)).expect("it is there");
    assert!(used["ram_max"].is_u64() && used.get("action").is_none(), "{used}");
}

#[tokio::test]
async fn containers_are_made_driven_and_deleted() {
    let lab = Lab::new();
    let results = lab.done(json!({"playbook": "containers", "extra_vars": {"password": lab.password}})).await;
    let created = plain(&results["lxc_create"][0]);
    assert_eq!((&created["vm_id"], &created["lxc_password"]), (&json!(201), &json!("***")));
    assert_eq!(created["lxc_net0"], "name=eth0,bridge=vmbr0,ip=dhcp");
    let copied = json!({"vm_id": "202", "vm_id_clone_from": "200", "lxc_name": "copy-02"});
    assert_eq!(plain(&results["lxc_clone"][0]), result("lxc_clone", &copied));
    for (action, status) in [("lxc_start", "running"), ("lxc_resume", "running"), ("lxc_stop", "stopped")] {
        let state = json!({"vm_id": "202", "lxc_name": "copy-02", "lxc_status": status});
        assert_eq!(results[action][0], result(action, &state));
    }
    assert_eq!(results["lxc_stop_force"][0]["lxc_status"], "stopped");
    assert_eq!(
        plain(&results["lxc_delete"][0]),
        result("lxc_delete", &json!({"vm_id": 201, "lxc_name": "new-02"}))
    );
    let snapshots = &results["snapshot_lxc_list"][0];
    let taken = with(snapshots, "lxc_snapshot_name", &json!("before")).expect("it was taken");
    assert_eq!(taken["lxc_snapshot_description"].as_str().map(str::trim), Some("with words"));

    let containers = lab.simulator.read("nodes/pve1/lxc").await;
    assert!(with(&containers, "vmid", &json!(201)).is_none(), "{containers}");
    assert_eq!(results["lxc_list"][0].as_array().map(Vec::len), containers.as_array().map(Vec::len));
    assert_eq!(lab.simulator.read("nodes/pve1/lxc/202/config").await["tags"], "one", "as before the revert");
}

#[tokio::test]
async fn firewalls_networks_storages_and_templates_are_set() {
    let lab = Lab::new();
    let results = lab.done(json!({"playbook": "surroundings"})).await;

    assert_eq!(lab.simulator.read("cluster/firewall/options").await["enable"], 1);
    assert_eq!(lab.simulator.read("nodes/pve1/firewall/options").await["enable"], 1);
    assert_eq!(lab.simulator.read("nodes/pve1/qemu/100/firewall/options").await["enable"], 1);
    for (level, count) in [("dc", 2), ("node", 1), ("vm", 1)] {
        let action = format!("firewall_{level}_enable");
        assert_eq!(results[&action].as_array().map(Vec::len), Some(count));
        assert_eq!(results[&action][0][format!("{level}_firewall")], "enabled");
    }
    assert_eq!(results["firewall_vm_disable"][0]["vm_name"], "web-01", "looked up when it is not given");

    let aliases = lab.simulator.read("nodes/pve1/qemu/100/firewall/aliases").await;
    assert_eq!(aliases.as_array().map(Vec::len), Some(1), "{aliases}");
    let alias = json!({
        "vm_id": "100", "vm_fw_alias_cidr": "192.0.2.0/24", "vm_fw_alias_name": "lan", "vm_fw_comment": "own",
    });
    let listed = &results["firewall_vm_list_iptables_alias"][0];
    assert_eq!(*listed, json!([result("firewall_vm_list_iptables_alias", &alias)]));

    // The rule that lets SSH in is above the one that refuses, although it was there first.
    let rules = lab.simulator.read("nodes/pve1/qemu/100/firewall/rules").await;
    let actions: Vec<_> =
        rules.as_array().expect("a list").iter().map(|rule| rule["action"].clone()).collect();
    assert_eq!(actions, ["ACCEPT", "DROP"], "{rules}");
    let added = |number: usize| &results["firewall_vm_enable_default_ssh_rules"][number]["vm_fw_rules_added"];
    assert_eq!((added(0), added(1)), (&json!(2), &json!(0)));
    assert_eq!(results["firewall_vm_list_iptables_rule"][0][0]["vm_fw_dport"], "22");

    // The simulator does not store interfaces and sizes of disks, so the test checks the requests.
    let changes = lab.simulator.changes().await;
    let called = |method: &str, path: &str, parts: &[&str]| {
        changes.iter().any(|(made, place, body)| {
            made == method && place == path && parts.iter().all(|part| body.contains(part))
        })
    };
    assert!(called(
        "POST",
        "nodes/pve1/network",
        &["iface=vmbr7", "type=bridge", "autostart=1", "bridge_ports=eno2"]
    ));
    assert!(called("PUT", "nodes/pve1/network", &[]) && called("DELETE", "nodes/pve1/network/vmbr7", &[]));
    assert!(called("PUT", "nodes/pve1/qemu/112/resize", &["disk=scsi0", "size=10G"]));
    assert!(called("POST", "nodes/pve1/storage/local/download-url", &["content=iso", "filename=u.iso"]));
    assert!(called("PUT", "cluster/options", &["admin%3Aff0000%3Bstudent%3A00ff00"]));

    let template = lab.simulator.read("nodes/pve1/qemu/112/config").await;
    assert_eq!(template["template"], 1, "{template}");
    assert!(called("POST", "nodes/pve1/qemu", &["ide2=local-lvm%3Acloudinit", "serial0=socket"]));
    let statuses = |action: &str| -> Vec<Value> {
        results[action].as_array().expect("a list").iter().map(|one| one["status"].clone()).collect()
    };
    assert_eq!(statuses("template_create"), ["converted", "unchanged"]);
    assert_eq!(lab.simulator.read("nodes/pve1/qemu/101/config").await["template"], 1);
    assert_eq!(results["storage_list_iso"][0][0]["iso_vol_id"], "local:iso/debian.iso");
    assert!(with(&results["storage_list"][0], "storage_name", &json!("local-lvm")).is_some());
    assert!(results["network_list_interfaces_node"][0][0]["iface"].is_string());
    assert!(results["network_list_node_sdn_zones"][0].is_array());
}

#[tokio::test]
async fn one_action_through_the_playbook_generic() {
    let lab = Lab::new();
    let results = lab.done(generic("vm_start", json!({"vm_id": "101", "proxmox_node": "pve1"}))).await;
    let started = json!({"vm_id": "101", "vm_name": "db-01", "vm_status": "running"});
    assert_eq!(results["vm_start"], json!([result("vm_start", &started)]));
    assert_eq!(lab.simulator.read("nodes/pve1/qemu/101/status/current").await["status"], "running");
}

#[tokio::test]
async fn another_role_with_the_same_actions_can_replace_that_of_rangehand() {
    let lab = Lab::with(&[("proxmox_controller_role", json!("another-role"))]);
    // Shaped like the role that Rangehand's role replaces: one block per action, a fact, and a task that prints it.
    let tasks = r#"
- when: proxmox_vm_action == "vm_start"
  block:
    - ansible.builtin.set_fact:
        vm_start: {action: vm_start, vm_id: "{{ vm_id }}", from: another role}
    - ansible.builtin.debug:
        var: vm_start
"#;
    lab.app.write("playbooks/roles/another-role/tasks/main.yml", tasks);
    let results = lab.done(generic("vm_start", json!({"vm_id": "101"}))).await;
    assert_eq!(results["vm_start"], json!([{"action": "vm_start", "vm_id": "101", "from": "another role"}]));
    assert_eq!(lab.simulator.changes().await, []);
}
