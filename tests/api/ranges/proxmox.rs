//! A range with a tree of the Local Deployments Orchestrator on a simulated Proxmox VE: planned, deployed, changed, repaired after what
//! `proxmoxer` did to it, and destroyed. The machines of the simulator boot nothing, so tasks are skipped.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Setup, Simulator, TestApp, until_async};

const ID: &str = "00000000-0000-4000-8000-000000000001";

fn node(id: &str, role: &str) -> Value {
    json!({
        "id": id, "label": format!("Node {id}"), "template_id": 9001, "role": role,
        "resources": {"cores": 2, "memory": 640}, "position": {"x": 10, "y": 20},
    })
}

/// A main jumpbox, a local one behind it, and services behind that one.
fn tree(services: &[&str]) -> Value {
    let link = |source: &str, target: &str| json!({"source": source, "target": target, "connection_type": "vlan_bridge"});
    let mut nodes = vec![node("j", "jumpbox_main"), node("l", "jumpbox_local")];
    let mut links = vec![link("j", "l")];
    for service in services {
        nodes.push(node(service, "service"));
        links.push(link("l", service));
    }
    json!({"range_metadata": {"id": ID, "name": "Demo", "created_by": "ann"}, "nodes": nodes, "links": links})
}

fn service(simulator: &Simulator) -> TestApp {
    let set =
        |setup: Setup, key: &str, value: &str| setup.set(&format!("RANGEHAND__PLATFORMS__PVE__{key}"), value);
    let token = format!("{}!{}", simulator.text("user"), simulator.text("token_id"));
    let mut setup = Setup::without_ansible()
        .set("RANGEHAND__RANGES__LDO_PLATFORM", "pve")
        .set("RANGEHAND__RANGES__SERVICE", "lab");
    for (key, value) in [
        ("KIND", "proxmox"),
        ("API_HOST", simulator.text("host")),
        ("TOKEN_ID", &token),
        ("TOKEN_SECRET", simulator.text("token_secret")),
        ("ZONE", "lab"),
        ("UPLINK_BRIDGE", "vmbr0"),
        ("VM_IDS", "5000-5099"),
        ("TASKS", "skip"),
    ] {
        setup = set(setup, key, value);
    }
    setup.start()
}

async fn applied(app: &TestApp, tree: &Value) {
    app.post("/api/v1/range", tree, 200).await;
    let path = format!("/api/v1/range/{ID}");
    until_async("the range is running", || async { app.get(&path, 200).await["status"] == "running" }).await;
}

fn names(of: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = of.as_object().expect("an object").keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn a_tree_lives_and_ends_on_proxmox() {
    let simulator = Simulator::with_template().await;
    let app = service(&simulator);
    let shown = app.get("/v1/platforms/pve", 200).await;
    assert_eq!(
        (&shown["version"], &shown["missing"]),
        (&json!("Proxmox VE 9.0.10"), &json!([])),
        "{shown:#}"
    );
    assert!(shown["accepts"]["templates"]["debian-12"].is_object(), "{shown:#}");
    let namespace = json!({
        "name": "no", "platform": "pve", "networks": {"dmz": {}}, "machines": {"a": {"kind": "namespace", "networks": ["dmz"]}},
    });
    let problem = app.post("/v1/ranges?dry_run=true", &namespace, 422).await;
    assert!(problem.to_string().contains("pve has no machines of kind `namespace`"), "{problem:#}");

    applied(&app, &tree(&["s", "t"])).await;
    let range = format!("/v1/ranges/ldo-{ID}");
    let id = app.get(&range, 200).await["id"].as_str().expect("an id").to_owned();
    let state = || simulator.proxmoxer_state(&format!("rangehand.lab.{id}"));
    let made = state();
    assert_eq!(names(&made["machines"]), ["node-j", "node-l", "node-s", "node-t"]);
    assert_eq!(made["vnets"].as_object().map(serde_json::Map::len), Some(3), "{made:#}");
    for machine in made["machines"].as_object().expect("machines").values() {
        assert_eq!((&machine["status"], &machine["config"]["memory"]), (&json!("running"), &json!("640")));
        assert!(machine["vmid"].as_u64().is_some_and(|id| (5000..5100).contains(&id)), "{machine:#}");
    }
    let before = simulator.changes().await.len();
    applied(&app, &tree(&["s", "t"])).await;
    assert_eq!(simulator.changes().await.len(), before, "the same tree again changes nothing");

    applied(&app, &tree(&["s"])).await;
    let changed = state();
    assert_eq!(names(&changed["machines"]), ["node-j", "node-l", "node-s"]);
    assert_eq!(changed["vnets"].as_object().map(serde_json::Map::len), Some(2), "{changed:#}");

    let path = |name: &str| format!("nodes/pve1/qemu/{}", changed["machines"][name]["vmid"]);
    let _ = simulator.proxmoxer_call("POST", &format!("{}/status/stop", path("node-l")), &Value::Null);
    let moved = json!({"net0": "virtio=02:00:00:00:00:01,bridge=vmbr0"});
    let _ = simulator.proxmoxer_call("PUT", &format!("{}/config", path("node-s")), &moved);
    let drift = app.get(&format!("{range}/drift"), 200).await;
    let mut kinds: Vec<&str> =
        drift["items"].as_array().expect("items").iter().filter_map(|item| item["kind"].as_str()).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["machine_stopped", "nic_moved"], "{drift:#}");
    let repaired = app.post(&format!("{range}/actions/repair?wait=120"), &json!({}), 200).await;
    assert_eq!(repaired["job"]["state"], "succeeded", "{repaired:#}");
    let drift = app.get(&format!("{range}/drift"), 200).await;
    assert_eq!(drift["items"], json!([]), "{drift:#}");
    let network = |state: &Value| state["machines"]["node-s"]["config"]["net0"].clone();
    assert_eq!(network(&state()), network(&changed), "the same hardware address and network as before");

    let deleted = app.send(Method::DELETE, &format!("/api/v1/range/{ID}"), None).await;
    assert_eq!(deleted.status(), 200);
    assert_eq!(state(), json!({"machines": {}, "vnets": {}, "bridges": {}}));
    let left = simulator.read("nodes/pve1/qemu").await;
    assert_eq!(left.as_array().map(Vec::len), Some(4), "the machines of others: {left:#}");
}
