//! Two nodes that do not form a cluster: each host of the group has a node and an API.

use serde_json::{Map, Value, json};
use testkit::pve::Pve;

use crate::{service::Service, site::Sites};

fn ask(service: &Service, path: &str, body: &Value) -> Value {
    let headers = Map::from_iter([("content-type".to_owned(), Value::from("application/json"))]);
    let path = format!("/v0/admin/proxmox/{path}");
    let answer = service.endpoint.send("POST", &path, &headers, Some(&body.to_string())).expect("an answer");
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    serde_json::from_str(&answer.body).expect("JSON")
}

/// The calls that change something.
fn changes(pve: &Pve) -> usize {
    pve.calls().iter().filter(|call| call["method"] != "GET").count()
}

#[test]
fn an_action_goes_to_the_api_of_the_host_whose_node_it_names() {
    let (first, second) = (Pve::start(), Pve::start());
    let sites = Sites::new(first.host());
    let mut site = sites.lay_out("real");
    site.settings.remove("API_BACKEND_VAULT_FILE");
    let host = |node: &str, pve: &Pve| {
        json!({
            "proxmox_node": node, "proxmox_api_host": pve.host(), "proxmox_api_user": "API_master@pam",
            "proxmox_api_token_id": "API_master", "proxmox_api_token_secret": "of-no-use-elsewhere",
            "ansible_connection": "local",
        })
    };
    let hosts =
        json!({"proxmox": {"hosts": {"alpha": host("pve-a", &first), "beta": host("pve-b", &second)}}});
    std::fs::write(site.root.join("inventory/hosts.yml"), hosts.to_string()).expect("writable");
    let service = Service::start(&sites, &site).unwrap_or_else(|log| panic!("it does not start: {log}"));
    for (node, acting, other) in
        [("pve-a", &first, &second), ("pve-b", &second, &first), ("", &first, &second)]
    {
        acting.prepare(&[]);
        other.prepare(&[]);
        let reply = ask(&service, "vms/list", &json!({"proxmox_node": node}));
        assert_eq!(reply["result"].as_array().map(Vec::len), Some(1), "{reply:#}");
        assert_eq!(other.calls().len(), 0, "node `{node}`");
        // These routes pass an empty node on, as the reference service does.
        if node.is_empty() {
            continue;
        }
        let reply = ask(&service, "vms/vm_id/stop", &json!({"proxmox_node": node, "vm_id": "1000"}));
        assert_eq!(reply["result"].as_array().map(Vec::len), Some(1), "{reply:#}");
        assert_eq!((changes(acting), other.calls().len()), (1, 0), "node `{node}`");
        // A look-up first, then the action: both on the same host.
        let snapshot = json!({"proxmox_node": node, "vm_id": "1000", "vm_snapshot_name": "S1"});
        let reply = ask(&service, "vms/vm_id/snapshot/create", &snapshot);
        assert_eq!(reply["result"].as_array().map(Vec::len), Some(1), "{reply:#}");
        assert_eq!((changes(acting), other.calls().len()), (2, 0), "node `{node}`");
    }
    assert_eq!(service.stop(), Vec::<String>::new());
}
