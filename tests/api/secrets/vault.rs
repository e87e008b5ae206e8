//! The vault password works where it is needed, and occurs nowhere else.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use serde_json::json;
use testkit::{Gate, Setup, TestApp, generated_secret};

use super::{
    assert_nowhere, assert_on_tmpfs_only, assert_private_on_tmpfs, at_the_gate, encrypt, files_with,
    processes_that_show,
};

/// A service with a password in a file and a vault file that holds `vault_probe`.
fn with_password_file(password: &str, probe: &str) -> Setup {
    let setup = Setup::new();
    setup.write("vault.yml", &encrypt(setup.home(), password, &format!("vault_probe: {probe}\n")));
    setup.write("password", &format!("{password}\n"));
    let file = |name: &str| setup.home().join(name).to_string_lossy().into_owned();
    let (key, vault) = (file("password"), file("vault.yml"));
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("the test owns it");
    setup.set("VAULT_PASSWORD_FILE", key).set("API_BACKEND_VAULT_FILE", vault)
}

/// A service with a password in its environment and encrypted variables in the tree of playbooks.
fn with_password_in_environment(password: &str) -> Setup {
    let setup = Setup::new();
    let text = encrypt(setup.home(), password, "climb_marker: from a vault\n");
    setup.write("playbooks/scenarios/demo_lab/secrets/default_vault.yml", &text);
    setup.set("VAULT_PASSWORD", password)
}

#[tokio::test]
async fn a_password_from_a_file_opens_the_vault_file_for_every_run() {
    let probe = generated_secret();
    let app = with_password_file(&generated_secret(), &probe).start();
    let job = app.run(&json!({"bundle": "vaulted", "limit": "localhost"})).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    assert_eq!(job.results().await["vaulted"], json!([{"length": probe.len()}]));
}

#[tokio::test]
async fn a_password_from_the_environment_opens_encrypted_vars_files() {
    let app = with_password_in_environment(&generated_secret()).start();
    let job = app.run(&json!({"scenario": "demo_lab", "limit": "localhost"})).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    assert_eq!(job.results().await["first"], json!([{"marker": "from a vault"}]));
}

#[tokio::test]
async fn variables_of_a_request_win_over_the_vault_file() {
    let app = with_password_file(&generated_secret(), &generated_secret()).start();
    let vars = json!({"vault_probe": "of the request"});
    let job = app.run(&json!({"bundle": "vaulted", "limit": "localhost", "extra_vars": vars})).await;
    assert_eq!(job.results().await["vaulted"], json!([{"length": "of the request".len()}]));
}

#[tokio::test]
async fn encrypted_content_without_a_password_fails_with_a_hint() {
    let setup = Setup::new();
    let text = encrypt(setup.home(), &generated_secret(), "climb_marker: from a vault\n");
    setup.write("playbooks/scenarios/demo_lab/secrets/default_vault.yml", &text);
    let app = setup.start();
    let job = app.run(&json!({"scenario": "demo_lab", "limit": "localhost"})).await;
    assert_eq!(job["state"], "failed");
    assert_eq!(job["reason"]["code"], "vault_locked", "{job:#}");
    assert!(job["reason"]["message"].as_str().is_some_and(|text| text.contains("vault.password_file")));
}

#[tokio::test]
async fn a_password_from_a_file_is_on_tmpfs_only_and_gone_after_the_run() {
    let password = generated_secret();
    let app = with_password_file(&password, "x").start();
    let gate = Gate::new(&app);
    let job = at_the_gate(&app, &gate).await;
    assert_eq!(processes_that_show(&password), Vec::<PathBuf>::new());
    assert_on_tmpfs_only(&app, &password);
    gate.open();
    job.until_state("succeeded").await;
    assert_nowhere(&app, &job, &password).await;
}

#[tokio::test]
async fn a_password_from_the_environment_stays_with_the_service() {
    let password = generated_secret();
    let app = with_password_in_environment(&password).start();
    let gate = Gate::new(&app);
    let job = at_the_gate(&app, &gate).await;
    let service = Path::new("/proc").join(app.pid().to_string());
    assert_eq!(processes_that_show(&password), [service]);
    assert_on_tmpfs_only(&app, &password);
    gate.open();
    job.until_state("succeeded").await;
    assert_nowhere(&app, &job, &password).await;
}

#[tokio::test]
async fn a_password_is_gone_after_a_cancel_and_after_a_restart() {
    let password = generated_secret();
    let mut app = with_password_file(&password, "x").start();
    let job = at_the_gate(&app, &Gate::new(&app)).await;
    app.kill();
    app.start_again();
    assert_on_tmpfs_only(&app, &password);
    assert_eq!(job.cancel().await["state"], "canceled");
    assert_nowhere(&app, &job, &password).await;
}

#[tokio::test]
async fn the_variables_of_a_request_reach_ansible_by_a_private_file_on_tmpfs() {
    let app = TestApp::new();
    let (gate, value) = (Gate::new(&app), generated_secret());
    let vars = json!({"gate": gate.path(), "value": value});
    let job = app.submit(&json!({"bundle": "gate", "limit": "localhost", "extra_vars": vars})).await;
    job.until_task("Wait for the gate").await;
    assert_eq!(processes_that_show(&value), Vec::<PathBuf>::new());
    assert_private_on_tmpfs(&app, &value);
    for run in app.run_directories() {
        assert_eq!(files_with(&run, &value), Vec::<PathBuf>::new());
    }
    gate.open();
    job.until_state("succeeded").await;
    assert_eq!(files_with(app.runtime(), &value), Vec::<PathBuf>::new());
}

#[test]
fn a_wrong_password_keeps_the_service_from_starting() {
    let wrong = generated_secret();
    let setup = with_password_file(&generated_secret(), "x");
    setup.write("password", &wrong);
    assert_refuses_to_start(&setup, &["vault.yml", "password does not open"], &wrong);
}

#[test]
fn a_vault_file_without_a_password_keeps_the_service_from_starting() {
    let setup = with_password_file(&generated_secret(), "x").set("VAULT_PASSWORD_FILE", "");
    assert_refuses_to_start(&setup, &["no vault password", "vault.password_file"], "\0");
}

#[test]
fn a_password_file_that_others_may_read_is_reported_in_the_log() {
    for (mode, is_reported) in [(0o644, true), (0o440, true), (0o600, false), (0o400, false)] {
        let setup = with_password_file(&generated_secret(), "x");
        fs::set_permissions(setup.home().join("password"), fs::Permissions::from_mode(mode))
            .expect("the test owns it");
        let app = setup.start();
        assert_eq!(app.log().contains("have access to the vault password file"), is_reported, "{mode:o}");
    }
}

#[test]
fn a_password_file_that_is_not_there_keeps_the_service_from_starting() {
    let setup = Setup::new().set("VAULT_PASSWORD_FILE", "nowhere/password");
    assert_refuses_to_start(&setup, &["nowhere/password"], "\0");
}

fn assert_refuses_to_start(setup: &Setup, said: &[&str], secret: &str) {
    let output = setup.command().output().expect("the program starts");
    assert!(!output.status.success());
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    for part in said {
        assert!(text.contains(part), "`{part}` is not in: {text}");
    }
    assert!(!text.contains(secret), "the password is shown");
}
