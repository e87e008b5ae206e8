//! Inventories that are programs: executed in runs, and for inspections only if a setting names them and the caller can run
//! jobs.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Stdio,
};

use serde_json::{Value, json};
use testkit::{Setup, TestApp, processes_with};

use super::listed;

/// A program that records that it was executed, and has one host.
fn script(setup: &Setup, path: &str) -> PathBuf {
    let mark = setup.home().join("was-executed");
    let text = format!(
        "#!/bin/sh\ntouch '{}'\necho '{{\"all\": {{\"hosts\": [\"dynamic-1\"]}}, \"_meta\": {{\"hostvars\": {{\"dynamic-1\": \
         {{\"ansible_connection\": \"local\"}}}}}}}}'\n",
        mark.display()
    );
    setup.write(path, &text);
    executable(&setup.home().join(path));
    mark
}

fn executable(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("the test owns it");
}

/// Without a sandbox, because in one an inspection could not write the mark.
fn in_process() -> Setup {
    Setup::new().set("RANGEHAND__RUNS__ISOLATION", "process")
}

/// A token for a role.
fn token(app: &TestApp, role: &str) -> String {
    let made = app
        .command()
        .args(["token", "create", "--name", role, "--role", role])
        .stderr(Stdio::null())
        .output()
        .expect("it starts");
    String::from_utf8_lossy(&made.stdout).trim().to_owned()
}

async fn look(app: &TestApp, role: &str, path: &str) -> (u16, Value) {
    let answer = reqwest::Client::new()
        .get(format!("{}{path}", app.address()))
        .bearer_auth(token(app, role))
        .send()
        .await
        .expect("the service answers");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

#[tokio::test]
async fn an_inspection_executes_only_programs_that_a_setting_names() {
    let setup = in_process();
    let mark = script(&setup, "inventory/cloud.py");
    script(&setup, "inventory/mixed/cloud");
    setup.write("inventory/mixed/hosts.yml", "all:\n  hosts: {static-1: {ansible_connection: local}}\n");
    // An inventory that may be executed is still read, not executed.
    setup.write("inventory/open.yml", "all:\n  hosts: {open-1: {ansible_connection: local}}\n");
    executable(&setup.home().join("inventory/open.yml"));
    let app = setup.start();
    let names = listed(&app, "/v1/catalog/inventories").await;
    assert_eq!(names, ["hosts", "mixed", "mixed/hosts", "open", "trio", "unreachable"]);
    app.get("/v1/catalog/inventories/cloud", 404).await;
    assert_eq!(app.get("/v1/catalog/inventories/open", 200).await["hosts"], json!(["open-1"]));
    assert!(!mark.exists(), "nothing of it was named or run");
    // A run against it executes it.
    let job = app.run(&json!({"playbook": "ping", "inventory": "cloud"})).await;
    assert_eq!(
        (&job["state"], &job["stats"]["dynamic-1"]["ok"]),
        (&json!("succeeded"), &json!(1)),
        "{job:#}"
    );
    assert!(mark.exists());
}

#[tokio::test]
async fn an_inspection_of_a_viewer_executes_no_program_for_vault_passwords() {
    for key in ["vault_password_file = ./password.sh", "vault_identity_list = lab@password.sh"] {
        let setup = in_process().set("RANGEHAND__ACCESS__MODES", "token");
        let mark = script(&setup, "playbooks/password.sh");
        setup.write("playbooks/ansible.cfg", &format!("[defaults]\n{key}\n"));
        let app = setup.start();
        for path in ["playbooks/ping", "bundles/ping", "inventories/hosts"] {
            let (status, shown) = look(&app, "viewer", &format!("/v1/catalog/{path}")).await;
            assert_eq!((status, &shown["problem"]), (200, &Value::Null), "{path}: {shown:#}");
            assert!(!mark.exists(), "{key}: {path} had it executed");
        }
    }
}

#[tokio::test]
async fn a_named_program_is_executed_for_callers_that_can_run_jobs() {
    let setup = in_process()
        .set("RANGEHAND__ACCESS__MODES", "token")
        .set("RANGEHAND__ANSIBLE__INVENTORY_SCRIPTS", "*.py,mixed/**");
    let mark = script(&setup, "inventory/cloud.py");
    script(&setup, "inventory/mixed/cloud");
    setup.write("inventory/mixed/hosts.yml", "all:\n  hosts: {static-1: {ansible_connection: local}}\n");
    let app = setup.start();
    for (name, hosts) in [("cloud", json!([])), ("mixed", json!(["static-1"]))] {
        let (status, shown) = look(&app, "viewer", &format!("/v1/catalog/inventories/{name}")).await;
        assert_eq!((status, &shown["hosts"]), (200, &hosts), "{shown:#}");
        let problem = shown["problem"].as_str().expect("a problem");
        assert!(
            problem.contains("is a program") && problem.contains("ansible.inventory_scripts"),
            "{problem}"
        );
        assert!(!mark.exists(), "a viewer has nothing executed");
    }
    let (status, shown) = look(&app, "operator", "/v1/catalog/inventories/cloud").await;
    assert_eq!(
        (status, &shown["hosts"], &shown["problem"]),
        (200, &json!(["dynamic-1"]), &Value::Null),
        "{shown:#}"
    );
    assert!(mark.exists());
}

#[tokio::test]
async fn a_named_program_that_does_not_end_is_ended_with_all_that_it_started() {
    let setup = Setup::new()
        .set("RANGEHAND__ACCESS__MODES", "token")
        .set("RANGEHAND__ANSIBLE__INVENTORY_SCRIPTS", "*.py")
        .set("RANGEHAND__RUNS__INSPECTION_TIMEOUT_S", "10");
    let marker = format!("endless-{}", setup.home().file_name().expect("a name").to_string_lossy());
    let stray = format!("setsid env -i sh -c 'sleep 600; true' {marker} </dev/null >/dev/null 2>&1 &");
    setup.write("inventory/endless.py", &format!("#!/bin/sh\n{stray}\nsleep 600\n"));
    executable(&setup.home().join("inventory/endless.py"));
    let app = setup.start();
    let (status, problem) = look(&app, "operator", "/v1/catalog/inventories/endless").await;
    assert_eq!((status, &problem["code"]), (504, &json!("inspection_timeout")), "{problem:#}");
    assert_eq!(processes_with(&marker), Vec::<String>::new());
}
