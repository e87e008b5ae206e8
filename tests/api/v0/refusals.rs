//! Names and requests that are rejected with `{"detail": text}`.

use std::os::unix::fs::symlink;

use reqwest::{Method, header};
use serde_json::json;
use testkit::{Setup, TestApp, http};

use super::{PING, ROUTES, detail, on_localhost, post};

#[tokio::test]
async fn a_bad_name_gets_the_recorded_error() {
    let app = TestApp::new();
    for (spelled, shown) in [
        ("%2e%2e", "'..'"),
        ("..", "'..'"),
        ("ping%0a", "'ping\\n'"),
        ("p%C3%AFng", "'p\u{ef}ng'"),
        ("a'b", "\"a'b\""),
        (".hidden", "'.hidden'"),
        ("..evil", "'..evil'"),
        ("..%5Cping", "'..\\\\ping'"),
        ("ping%00", "'ping\\x00'"),
        ("-dash", "'-dash'"),
        ("core%2F%2Fping", "'core//ping'"),
        ("..%2Fbundles%2Fping", "'../bundles/ping'"),
        ("../../bundles/ping", "'../../bundles/ping'"),
    ] {
        for kind in ["bundles", "scenarios"] {
            let target = format!("/v0/admin/run/{kind}/{spelled}/run");
            let answer = http::send(&app, "POST", &target, &on_localhost().to_string());
            let expected = json!({"detail": format!(":: err - INVALID ACTION NAME FORMAT {shown}")});
            assert_eq!((answer.status, answer.json()), (400, expected), "{target}");
            assert!(!answer.head.contains("\nx-rangehand-job:"), "{}", answer.head);
        }
    }
    assert_eq!(app.get("/v1/jobs", 200).await["items"], json!([]));
}

#[tokio::test]
async fn the_body_is_checked_before_the_name() {
    let app = TestApp::new();
    let detail = detail(post(&app, "/v0/admin/run/bundles/a..b/run", &json!({})).await, 422).await;
    assert_eq!(detail[0]["field"], "body.proxmox_node");
}

#[tokio::test]
async fn an_unknown_name_is_not_found_and_no_name_no_path() {
    let setup = Setup::new().set("API_BACKEND_PUBLIC_PLAYBOOKS_DIR", "public");
    setup.write("public/bundles/other/main.yml", "[]\n");
    let app = setup.start();
    for (path, name) in [
        ("/v0/admin/run/bundles/nope/run", "nope"),
        ("/v0/admin/run/bundles/core/run", "core"),
        ("/v0/admin/run/scenarios/ping/run", "ping"),
    ] {
        let detail = detail(post(&app, path, &on_localhost()).await, 404).await;
        assert!(detail.as_str().is_some_and(|text| text.contains(&format!("`{name}`"))), "{detail}");
    }
    for path in [
        "/v0/admin/run/bundles//run",
        "/v0/admin/run/bundles/ping",
        "/v0/admin/run/roles/x/run",
        "/v0/nothing",
    ] {
        assert_eq!(detail(post(&app, path, &on_localhost()).await, 404).await, "Not Found", "{path}");
    }
}

#[tokio::test]
async fn without_a_second_root_an_unknown_name_is_a_fault_of_the_installation() {
    let name = "/v0/admin/run/bundles/nope/run";
    let app = TestApp::new();
    let detail_text = detail(post(&app, name, &on_localhost()).await, 400).await;
    assert_eq!(detail_text, ":: err - Missing env var for public_github");

    let app = Setup::new().set("API_BACKEND_PUBLIC_PLAYBOOKS_DIR", "/nonexistent").start();
    let detail_text = detail(post(&app, name, &on_localhost()).await, 400).await;
    assert_eq!(detail_text, "Invalid playbooks dir: /nonexistent");
}

#[tokio::test]
async fn without_the_ping_playbook_the_ping_is_refused() {
    let setup = Setup::new();
    std::fs::remove_file(setup.home().join("playbooks/ping.yml")).expect("it is there");
    let app = setup.start();
    let detail_text = detail(post(&app, PING, &on_localhost()).await, 400).await;
    assert!(
        detail_text.as_str().is_some_and(|text| text.starts_with(":: MISSING PLAYBOOK")),
        "{detail_text}"
    );
}

#[tokio::test]
async fn a_link_out_of_the_root_is_refused() {
    let setup = Setup::new();
    let play = "- hosts: all\n  gather_facts: false\n  tasks: [{ansible.builtin.ping: }]\n";
    setup.write("outside/main.yml", play);
    setup.write("outside/text", "TEXT-FROM-OUTSIDE");
    setup.write("playbooks/bundles/inner/main.yml", play);
    let bundles = setup.home().join("playbooks/bundles");
    symlink(setup.home().join("outside"), bundles.join("linkdir")).expect("writable");
    symlink("../../../outside/text", bundles.join("inner/text")).expect("writable");
    let app = setup.start();
    for name in ["linkdir", "inner"] {
        let detail_text =
            detail(post(&app, &format!("/v0/admin/run/bundles/{name}/run"), &on_localhost()).await, 400)
                .await;
        let text = detail_text.as_str().expect("text");
        assert!(text.starts_with(":: err - POTENTIAL PATH TRAVERSAL DETECTED"), "{text}");
        assert!(!text.contains("TEXT-FROM-OUTSIDE"), "{text}");
    }
    assert_eq!(app.get("/v1/jobs", 200).await["items"], json!([]));
}

#[tokio::test]
async fn a_wrong_method_is_reported_with_the_right_one() {
    let app = TestApp::new();
    for route in ROUTES {
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let response = app.send(method, route, None).await;
            assert_eq!(response.headers()[header::ALLOW], "POST");
            assert_eq!(detail(response, 405).await, "Method Not Allowed");
        }
    }
}
