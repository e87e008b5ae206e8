//! A run finds files next to its playbook, above it, and next to its inventory.

use serde_json::json;
use testkit::TestApp;

#[tokio::test]
async fn vars_files_that_climb_seven_levels_are_read() {
    let app = TestApp::new();
    let name = "core/proxmox/configure/default/vms/create-vms-climb";
    let job = app.run(&json!({"bundle": name, "limit": "localhost"})).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    let found = json!({"root": "at the root of the tree", "stage": "beside the bundle"});
    assert_eq!(job.results().await["climbing"], json!([found]));
}

#[tokio::test]
async fn a_scenario_reads_its_stages_and_their_files() {
    let app = TestApp::new();
    let job = app.run(&json!({"scenario": "demo_lab", "limit": "localhost"})).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    let results = job.results().await;
    assert_eq!(results["first"], json!([{"marker": "at the root of the tree"}]));
    assert_eq!(results["second"], json!([{"level": "from the import"}]));
}

#[tokio::test]
async fn roles_and_variables_beside_the_playbook_and_beside_the_inventory_count() {
    let app = TestApp::new();
    let job = app.run(&json!({"bundle": "adjacent", "limit": "localhost"})).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    let found = json!({
        "role": "from the role beside the playbook",
        "beside_playbook": "from group_vars beside the playbook",
        "beside_inventory": "from group_vars beside the inventory",
        "of_host": "from host_vars beside the inventory",
    });
    assert_eq!(job.results().await["adjacent"], json!([found]));
}

#[tokio::test]
async fn an_inventory_by_another_name_has_the_same_neighbours() {
    let app = TestApp::new();
    let job = app.run(&json!({"bundle": "adjacent", "inventory": "trio"})).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    let results = job.results().await;
    let found = results["adjacent"].as_array().expect("a value per host");
    assert_eq!(found.len(), 3);
    for host in found {
        assert_eq!(host["beside_inventory"], "from group_vars beside the inventory");
        assert_eq!(host["of_host"], "none");
    }
    for host in ["node-a", "node-b", "node-c"] {
        assert_eq!(job["stats"][host]["ok"], 2, "{job:#}");
    }
}

#[tokio::test]
async fn roles_in_the_root_serve_playbooks_at_any_depth() {
    let app = TestApp::new();
    app.write(
        "playbooks/roles/shared/tasks/main.yml",
        "- ansible.builtin.set_fact: {said: from the role in the root}\n",
    );
    app.write(
        "playbooks/bundles/deep/er/main.yml",
        "- hosts: all\n  gather_facts: false\n  roles: [shared]\n  tasks:\n    - ansible.builtin.debug: {var: said}\n",
    );
    let job = app.run(&json!({"bundle": "deep/er", "limit": "localhost"})).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    assert_eq!(job.results().await["said"], json!(["from the role in the root"]));
}
