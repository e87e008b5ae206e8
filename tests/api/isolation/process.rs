//! Protections of every run, also without a sandbox.

use serde_json::json;
use testkit::TestApp;

use super::{in_process, view};

#[tokio::test]
async fn a_run_has_no_new_privileges_no_cores_and_a_home_of_its_own_that_shows_the_users() {
    let app = in_process().set("RANGEHAND__RUNS__FILE_MAX_BYTES", "100000000").start();
    app.write(".netrc", "machine x");
    app.write(".ansible/roles/mine/tasks/main.yml", "[]");
    let found = view(&app, &[], None).await;
    assert_eq!(found["no_new_privileges"], "1");
    assert_eq!(found["core"], 0);
    assert_eq!(found["open_files"], 4096);
    assert_eq!(found["file_bytes"], 100_000_000);
    let home = found["home"].as_str().expect("a path");
    assert!(home.starts_with(app.runtime().to_str().expect("UTF-8")), "{home}");

    let read = "{{ lookup('ansible.builtin.file', lookup('ansible.builtin.env', 'HOME') ~ '/.netrc') }}";
    let play = format!(
        "- hosts: all\n  gather_facts: false\n  roles: [mine]\n  tasks:\n    - ansible.builtin.debug: {{var: netrc}}\n      \
         vars: {{netrc: \"{read}\"}}\n"
    );
    app.write("playbooks/bundles/homely/main.yml", &play);
    let job = app.run(&json!({"bundle": "homely", "limit": "localhost"})).await;
    assert_eq!(job.results().await["netrc"], json!(["machine x"]), "{job:#}");
}

#[tokio::test]
async fn nothing_that_ansible_makes_in_a_home_is_left_in_the_users() {
    let app = in_process().start();
    view(&app, &[], None).await;
    assert!(!app.home().join(".ansible").exists(), "Ansible's temporary files are in the user's home");
}

#[tokio::test]
async fn settings_leave_home_and_privileges_as_they_are() {
    let app = in_process()
        .set("RANGEHAND__RUNS__PRIVATE_HOME", "false")
        .set("RANGEHAND__RUNS__NO_NEW_PRIVILEGES", "false")
        .set("RANGEHAND__RUNS__OPEN_FILES_MAX", "0")
        .start();
    let found = view(&app, &[], None).await;
    assert_eq!((&found["home"], &found["no_new_privileges"]), (&json!(app.home()), &json!("0")));
}

#[tokio::test]
async fn ansible_checks_host_keys_and_takes_its_environment_from_settings_only() {
    let app = in_process()
        .set("ANSIBLE_HOST_KEY_CHECKING", "False")
        .set("ANSIBLE_STRATEGY", "free")
        .set("PYTHONHTTPSVERIFY", "0")
        .start();
    let job = app.run(&json!({"bundle": "cwdenv", "limit": "localhost"})).await;
    let found = job.results().await["cwdenv"][0].clone();
    assert_eq!(found["host_key_checking"], "True");
    let names: Vec<&str> =
        found["names"].as_array().expect("a list").iter().filter_map(|name| name.as_str()).collect();
    for name in ["ANSIBLE_STRATEGY", "PYTHONHTTPSVERIFY"] {
        assert!(!names.contains(&name), "{names:?}");
    }
    let own = [
        "ANSIBLE_HOST_KEY_CHECKING",
        "ANSIBLE_LOCAL_TEMP",
        "ANSIBLE_NOCOWS",
        "ANSIBLE_PERSISTENT_CONTROL_PATH_DIR",
        "ANSIBLE_PIPELINING",
        "ANSIBLE_ROLES_PATH",
        "ANSIBLE_SSH_CONTROL_PATH_DIR",
    ];
    // Those that ansible-runner adds are about its events and its cache of facts.
    let of_runner = [
        "ANSIBLE_CACHE_PLUGIN",
        "ANSIBLE_CALLBACK_PLUGINS",
        "ANSIBLE_STDOUT_CALLBACK",
        "ANSIBLE_RETRY_FILES_ENABLED",
    ];
    let strange: Vec<&&str> = names
        .iter()
        .filter(|name| name.starts_with("ANSIBLE_") && !own.contains(name))
        .filter(|name| !of_runner.iter().any(|of_runner| name.starts_with(of_runner)))
        .collect();
    assert!(strange.is_empty(), "{strange:?}");
}

#[tokio::test]
async fn a_project_s_configuration_does_not_switch_host_key_checking_off() {
    let app = in_process().start();
    app.write("playbooks/ansible.cfg", "[defaults]\nhost_key_checking = False\n");
    app.write(
        "playbooks/bundles/checking/main.yml",
        "- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.debug: {var: checking}\n      vars: {checking: \
         \"{{ lookup('ansible.builtin.config', 'HOST_KEY_CHECKING') }}\"}\n",
    );
    let job = app.run(&json!({"bundle": "checking", "limit": "localhost"})).await;
    assert_eq!(job.results().await["checking"], json!([true]), "{job:#}");
}

#[tokio::test]
async fn a_job_may_name_a_level_and_no_other_word() {
    let app = TestApp::new();
    let request = json!({"bundle": "ping", "limit": "localhost", "isolation": "jail"});
    let problem = app.post("/v1/jobs", &request, 422).await;
    assert_eq!(problem["errors"][0]["field"], "isolation", "{problem:#}");
    assert!(
        problem.to_string().contains("process") && problem.to_string().contains("sandbox"),
        "{problem:#}"
    );
}
