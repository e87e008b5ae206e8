//! The environment of a run.

use serde_json::{Value, json};
use testkit::{Setup, TestApp, generated_secret};

async fn surroundings(app: &TestApp) -> Value {
    let job = app.run(&json!({"bundle": "cwdenv", "limit": "localhost"})).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    job.results().await["cwdenv"][0].clone()
}

fn has(surroundings: &Value, name: &str) -> bool {
    surroundings["names"].as_array().expect("a list").contains(&json!(name))
}

#[tokio::test]
async fn a_run_gets_a_home_host_key_checking_and_its_marker() {
    let app = TestApp::new();
    let found = surroundings(&app).await;
    let home = found["home"].as_str().expect("a path");
    assert!(home.starts_with(app.runtime().to_str().expect("UTF-8")), "{home}");
    assert_eq!(found["host_key_checking"], "True");
    assert!(has(&found, "RANGEHAND_RUN") && has(&found, "PATH"), "{found:#}");
}

#[tokio::test]
async fn every_run_has_a_control_path_of_its_own_that_is_short_enough_for_a_socket() {
    let app = TestApp::new();
    let (one, other) = (surroundings(&app).await, surroundings(&app).await);
    for found in [&one, &other] {
        let path = found["control_path_dir"].as_str().expect("a path");
        assert!(path.starts_with(app.runtime().to_str().expect("UTF-8")), "{path}");
        // AF_UNIX takes 107 bytes; ssh adds a slash, the name of the socket (10) and, while it makes it, 17 more.
        assert!(path.len() + 28 <= 107, "{path}");
    }
    assert_ne!(one["control_path_dir"], other["control_path_dir"]);
}

#[tokio::test]
async fn nothing_secret_and_nothing_unasked_of_the_service_reaches_a_run() {
    let app = Setup::new()
        .set("VAULT_PASSWORD", generated_secret())
        .set("UNRELATED", generated_secret())
        .set("PROXMOX_NODE", "px-testing")
        .set("RANGEHAND__ANSIBLE__ENVIRONMENT__OF_SETTINGS", "x")
        .start();
    let found = surroundings(&app).await;
    assert!(has(&found, "PROXMOX_NODE") && has(&found, "OF_SETTINGS"), "{found:#}");
    for name in ["VAULT_PASSWORD", "UNRELATED", "PROJECT_ROOT_DIR", "RANGEHAND__PATHS__RUNTIME"] {
        assert!(!has(&found, name), "{name}: {found:#}");
    }
}
