//! The inventory of a range: what Ansible makes of it, alone and beside others.

use std::process::Command;

use serde_json::{Value, json};
use testkit::bin_dir;

use super::{Range, can_make_machines, lab, play, service};

/// Prints what each host knows of itself.
const SHOWS: &str = "- hosts: shops:localhost
  gather_facts: false
  tasks:
    - ansible.builtin.command: hostname
      changed_when: false
      register: name
    - ansible.builtin.debug: {var: shown}
      vars:
        shown:
          host: \"{{ inventory_hostname }}\"
          is_called: \"{{ name.stdout }}\"
          groups: \"{{ group_names }}\"
          address: \"{{ (range_addresses | default({})).dmz | default('') }}\"
          color: \"{{ color | default('') }}\"
";

#[tokio::test]
async fn ansible_inventory_reads_the_inventory_of_a_range() {
    if !can_make_machines() {
        return;
    }
    let app = service("process", "warm").start();
    let mut document = lab("web-attack", 96);
    document["instances"] = json!({"count": 2, "name": "team{n:02}"});
    document["networks"] = json!({"dmz": {}, "inside": {}});
    let range = Range::create(&app, &document).await;
    let response = app.send(reqwest::Method::GET, &format!("/v1/ranges/{}/inventory", range.id), None).await;
    let text = response.text().await.expect("text");
    assert!(!text.contains("PRIVATE KEY") && !text.contains("ssh_config"), "{text}");
    app.write("read.yml", &text);
    let output = Command::new(bin_dir().join("ansible-inventory"))
        .args(["--list", "-i"])
        .arg(app.home().join("read.yml"))
        .env("ANSIBLE_INVENTORY_ENABLED", "yaml")
        .output()
        .expect("ansible-inventory");
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let read: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    for (group, hosts) in [
        ("shops", json!(["team01-web", "team02-web"])),
        ("network_inside", json!(["team01-db", "team01-gw", "team02-db", "team02-gw"])),
        ("role_router", json!(["team01-gw", "team02-gw"])),
        ("instance_team02", json!(["team02-db", "team02-gw", "team02-web"])),
    ] {
        assert_eq!(read[group]["hosts"], hosts, "{group}");
    }
    assert_eq!(read["range_web_attack"]["hosts"].as_array().map(Vec::len), Some(6));
    let web = &read["_meta"]["hostvars"]["team02-web"];
    assert_eq!((&web["ansible_user"], &web["ansible_port"]), (&json!("root"), &json!(22)), "{web:#}");
    assert_eq!((&web["range_instance"], &web["range_machine"]), (&json!("team02"), &json!("web")));
    assert_eq!(web["range_addresses"]["dmz"], web["ansible_host"]);
    range.destroy().await;
}

#[tokio::test]
async fn a_range_is_used_beside_other_inventories_and_later_ones_win() {
    if !can_make_machines() {
        return;
    }
    let app = service("process", "warm").start();
    let range = Range::create(&app, &lab("lab", 97)).await;
    let color =
        |color: &str| format!("all:\n  hosts:\n    web:\n      color: {color}\n      range_name: {color}\n");
    app.write("inventory/first.yml", &color("red"));
    app.write("inventory/last.yml", &color("blue"));
    let inventories = json!(["first", "hosts", "range/lab", "last"]);
    let job = play(&app, SHOWS, &json!({"inventory": inventories})).await;
    let results = job.results().await;
    let shown = results["shown"].as_array().expect("a value per host");
    let web = shown.iter().find(|shown| shown["host"] == "web").expect("the machine");
    assert_eq!((&web["is_called"], &web["address"]), (&json!("web"), &json!("10.97.1.10")), "{web:#}");
    assert_eq!((&web["color"], shown.len()), (&json!("blue"), 2), "{shown:#?}");
    assert_eq!(web["groups"], json!(["network_dmz", "range_lab", "role_service", "shops"]));

    let limited = json!({"inventory": inventories, "limit": "network_inside:&role_router"});
    let limited = app
        .run(&json!({"bundle": "remote", "inventory": limited["inventory"], "limit": limited["limit"]}))
        .await;
    assert_eq!(limited["state"], "succeeded", "{limited:#}");
    assert_eq!(
        limited["stats"].as_object().map(|stats| stats.keys().cloned().collect::<Vec<_>>()),
        Some(vec!["gw".to_owned()])
    );
    range.destroy().await;
}

#[tokio::test]
async fn a_job_on_a_range_is_resumed_on_the_machines_that_need_it() {
    if !can_make_machines() {
        return;
    }
    let app = service("process", "warm").start();
    let range = Range::create(&app, &lab("lab", 98)).await;
    app.write(
        "playbooks/stops.yml",
        "- hosts: all\n  gather_facts: false\n  tasks:\n    - name: First\n      ansible.builtin.ping: {}\n    - name: Second\n      \
         ansible.builtin.file: {path: /tmp/passed, state: file}\n      when: inventory_hostname == 'web'\n    - name: Third\n      ansible.builtin.ping: {}\n",
    );
    let job = app.run(&json!({"playbook": "stops", "inventory": range.inventory()})).await;
    assert_eq!(job["state"], "failed", "{job:#}");
    let preview = app.post(&job.path("/resume?dry_run=true"), &Value::Null, 200).await;
    assert_eq!(
        (&preview["start_at_task"], &preview["limit"]),
        (&json!("Second"), &json!("web")),
        "{preview:#}"
    );
    let made = json!({"inventory": range.inventory(), "limit": "web"});
    play(&app, "- hosts: web\n  gather_facts: false\n  tasks:\n    - ansible.builtin.file: {path: /tmp/passed, state: touch}\n", &made).await;
    app.post(&job.path("/resume"), &Value::Null, 202).await;
    let job = job.wait().await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    assert_eq!(job["stats"].as_object().map(serde_json::Map::len), Some(1), "{job:#}");
    range.destroy().await;
}

#[tokio::test]
async fn a_range_that_does_not_exist_is_no_inventory() {
    let app = service("process", "warm").start();
    let job =
        app.run(&json!({"bundle": "ping", "inventory": "range/0190a8d2-7c3f-7a51-9f0e-2b6f5f0f4d11"})).await;
    assert_eq!(
        (&job["state"], &job["reason"]["code"]),
        (&json!("failed"), &json!("inventory_not_found")),
        "{job:#}"
    );
    let job = app.run(&json!({"bundle": "ping", "inventory": "range/lab"})).await;
    assert_eq!(job["reason"]["code"], "inventory_not_found", "{job:#}");
    app.write("inventory/range/lab.yml", "all: {hosts: {localhost: {ansible_connection: local}}}");
    let job = app.run(&json!({"bundle": "ping", "inventory": "range/lab"})).await;
    assert_eq!(job["state"], "succeeded", "a file of this name: {job:#}");
}
