//! Several hosts of the group `proxmox`: an action runs once, on the host that acts for the node.

use serde_json::json;

use super::Lab;

#[tokio::test]
async fn an_action_runs_once_where_two_hosts_stand_for_one_node() {
    let lab = Lab::new();
    let inventory = std::fs::read_to_string(lab.app.home().join("inventory/proxmox.yml")).expect("readable");
    let inventory: serde_json::Value = serde_json::from_str(&inventory).expect("JSON");
    let api = &inventory["all"]["children"]["proxmox"]["hosts"]["pve1"];
    // By the name of the node, and by the only host that has an API. Both without a choice by the service: a plain job.
    for (names, acting) in [(["pve1-cli", "pve1"], "pve1"), (["commands", "api"], "api")] {
        let mut cli = json!({"ansible_host": "127.0.0.1", "proxmox_node": "pve1"});
        if acting == "pve1" {
            cli = api.clone();
        }
        let hosts = json!({"all": {"children": {"proxmox": {"hosts": {names[0]: cli, names[1]: api}}}}});
        lab.app.write("inventory/proxmox.yml", &hosts.to_string());
        let before = lab.simulator.changes().await.len();
        let name = format!("once-{acting}");
        let job = lab.act("snapshot_vm_create", json!({"vm_id": "100", "vm_snapshot_name": name})).await;
        assert_eq!(job["state"], "succeeded", "{job:#}\n{}", job.log().await);
        let results = job.results().await;
        assert_eq!(results["snapshot_vm_create"].as_array().map(Vec::len), Some(1), "{results:#}");
        assert_eq!(lab.simulator.changes().await.len(), before + 1, "{names:?}");
        let events = job.events().await;
        let host = events.iter().rev().find_map(|event| event["host"].as_str());
        assert_eq!(host, Some(acting));
    }
}
