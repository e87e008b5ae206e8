//! Callers can't send the stored token to another host.

use serde_json::json;
use testkit::{Setup, TestApp};

#[tokio::test]
async fn a_request_of_v1_may_not_set_where_the_stored_token_goes() {
    let app = TestApp::new();
    for name in [
        "proxmox_api_host",
        "proxmox_api_port",
        "proxmox_api_user",
        "proxmox_api_token_id",
        "proxmox_api_token_secret",
        "proxmox_api_password",
        "proxmox_api_validate_certs",
        "proxmox_api_ca_path",
    ] {
        let request =
            json!({"bundle": "ping", "limit": "localhost", "extra_vars": {"fine": 1, name: "evil"}});
        let problem = app.post("/v1/jobs", &request, 422).await;
        let error = &problem["errors"][0];
        assert_eq!(error["code"], "protected_variable", "{problem:#}");
        assert_eq!(error["field"], format!("extra_vars.{name}"));
        assert!(!problem.to_string().contains("evil"), "{problem:#}");
    }
    // A variable of that name inside another variable is not a variable of Ansible.
    let request =
        json!({"bundle": "ping", "limit": "localhost", "extra_vars": {"x": {"proxmox_api_host": "a"}}});
    assert_eq!(app.run(&request).await["state"], "succeeded");
}

#[tokio::test]
async fn settings_say_which_variables_are_protected() {
    let app = Setup::new().set("RANGEHAND__RUNS__PROTECTED_VARS", "vault_root,region").start();
    let with = |name: &str| json!({"bundle": "ping", "limit": "localhost", "extra_vars": {name: "x"}});
    let problem = app.post("/v1/jobs", &with("region"), 422).await;
    assert_eq!(problem["errors"][0]["code"], "protected_variable", "{problem:#}");
    assert_eq!(app.run(&with("proxmox_api_host")).await["state"], "succeeded");
}

#[tokio::test]
async fn a_call_of_v0_names_only_an_api_host_that_is_known_without_it() {
    let app = TestApp::new();
    for path in ["enable", "disable"] {
        let path = format!("/v0/admin/proxmox/firewall/datacenter/{path}");
        let body = json!({"proxmox_node": "", "proxmox_api_host": "evil.example:8006"});
        let answer = app.post(&path, &body, 400).await;
        assert!(answer["detail"].as_str().expect("a text").contains("proxmox_api_host"), "{answer}");
    }
    assert_eq!(app.get("/v1/jobs", 200).await["items"], json!([]));
}
