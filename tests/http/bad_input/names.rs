//! Names of content that does not exist, and invalid names.

use std::os::unix::fs::symlink;

use reqwest::Method;
use serde_json::json;
use testkit::{Setup, TestApp};

use super::{assert_nothing_was_run, faults, problem, refused};

#[tokio::test]
async fn an_unknown_name_is_reported_with_the_nearest_names() {
    let app = TestApp::without_ansible();
    for (kind, list, name, nearest) in [
        ("playbook", "playbooks", "pnig", "`ping`"),
        ("bundle", "bundles", "pong", "`ping`"),
        ("bundle", "bundles", "generic/network.baseline.simple", "`generic/network.baseline.sample`"),
        ("scenario", "scenarios", "demo_labs", "`demo_lab`"),
    ] {
        let code = format!("unknown_{kind}");
        let of_post = refused(&app, &json!({kind: name}), 404).await;
        let path = format!("/v1/catalog/{list}/{name}");
        let of_catalog = problem(app.send(Method::GET, &path, None).await, 404).await;
        for problem in [of_post, of_catalog] {
            assert_eq!(problem["code"], code);
            assert_eq!(problem["detail"], format!("unknown {kind} `{name}`"));
            assert!(problem["hint"].as_str().is_some_and(|hint| hint.contains(nearest)), "{problem:#}");
        }
    }
    let problem = problem(app.send(Method::GET, "/v1/catalog/inventories/hots", None).await, 404).await;
    assert_eq!(
        (&problem["code"], &problem["hint"]),
        (&json!("unknown_inventory"), &json!("there is `hosts`"))
    );
    assert_nothing_was_run(&app).await;
}

#[tokio::test]
async fn a_directory_without_a_playbook_is_no_bundle() {
    let app = TestApp::without_ansible();
    for name in ["core", "core/proxmox", "ping/main.yml", "generic"] {
        assert_eq!(refused(&app, &json!({"bundle": name}), 404).await["code"], "unknown_bundle");
    }
    assert_nothing_was_run(&app).await;
}

#[tokio::test]
async fn a_text_that_is_no_name_is_refused_with_its_field() {
    let app = TestApp::without_ansible();
    let long = "a".repeat(256);
    let texts = ["", "/", "ping/", "a//b", ".hidden", "-rf", "~root", "a\tb", "a ", "ping\n", "it's", &long];
    for field in ["playbook", "bundle", "scenario", "inventory"] {
        for text in texts {
            let problem = refused(&app, &json!({field: text}), 400).await;
            assert_eq!(problem["code"], "bad_name", "{field}: {text:?}");
            assert_eq!(faults(&problem), [(field, "bad_name")], "{text:?}");
            assert!(problem["hint"].is_string(), "what is allowed: {problem:#}");
        }
    }
    assert_nothing_was_run(&app).await;
}

#[tokio::test]
async fn a_link_out_of_the_root_is_refused() {
    let setup = Setup::without_ansible();
    setup.write("outside/main.yml", "- name: OUTSIDE\n  hosts: all\n  tasks: []\n");
    setup.write("playbooks/bundles/inner/main.yml", "- name: Inner\n  hosts: all\n  tasks: []\n");
    let bundles = setup.home().join("playbooks/bundles");
    symlink(setup.home().join("outside"), bundles.join("absolute")).expect("writable");
    symlink("../../outside", bundles.join("climbing")).expect("writable");
    symlink("../../../outside/main.yml", bundles.join("inner/more.yml")).expect("writable");
    let app = setup.start();
    for name in ["absolute", "climbing", "inner"] {
        let of_post = refused(&app, &json!({"bundle": name}), 400).await;
        let path = format!("/v1/catalog/bundles/{name}");
        let of_catalog = problem(app.send(Method::GET, &path, None).await, 400).await;
        for problem in [of_post, of_catalog] {
            assert_eq!(problem["code"], "leaves_root", "{name}");
            assert!(!problem.to_string().contains("OUTSIDE"), "{problem:#}");
        }
    }
    let listed = app.get("/v1/catalog/bundles", 200).await.to_string();
    assert!(!listed.contains("climbing") && !listed.contains("absolute"), "{listed}");
    assert_nothing_was_run(&app).await;
}
