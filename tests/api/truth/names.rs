//! Secrets that are also names: names stay, values are hidden.

use std::fs;

use serde_json::json;
use testkit::WAIT_LIMIT;

use super::{run_all, with_playbooks};

const INVENTORY: &str = "
all:
  vars: {ansible_connection: local, ansible_python_interpreter: /usr/bin/python3, ansible_password: password}
  children:
    lab:
      hosts:
        lab-dc01:
        workstation: {local_admin_password: workstation}
";

const PLAYBOOK: &str = "
- name: Set password policy
  hosts: lab
  gather_facts: false
  vars:
    password_policy: {min_length: 12, password: 'the password is workstation'}
  tasks:
    - {name: Read the password policy, ansible.builtin.debug: {var: password_policy}}
    - {name: 'Ask {{ inventory_hostname }}', ansible.builtin.command: 'touch {{ marks }}/{{ inventory_hostname }}'}
    - name: Show by host
      ansible.builtin.debug: {var: by_host}
      vars: {by_host: {workstation: 1, lab-dc01: '{{ local_admin_password | default(0) }}'}}
    - name: Check password of workstation
      ansible.builtin.fail: {msg: 'wrong password for {{ inventory_hostname }}'}
      when: inventory_hostname == 'workstation' and not (marks + '/fixed') is exists
    - {name: Last password, ansible.builtin.debug: {msg: done}}
";

#[tokio::test]
async fn a_password_that_is_a_name_hides_values_and_no_names() {
    let app = with_playbooks(&[("weak", PLAYBOOK)]);
    app.write("inventory/lab.yml", INVENTORY);
    let marks = app.home().join("marks");
    fs::create_dir(&marks).expect("writable");
    let request = json!({"playbook": "weak", "extra_vars": {"marks": marks}});
    let job = run_all(&app, [request]).await.remove(0);
    assert_eq!(job["state"], "failed", "{job:#}");

    let hosts: Vec<_> = job["stats"].as_object().expect("stats").keys().cloned().collect();
    assert_eq!(hosts, ["lab-dc01", "workstation"], "{job:#}");
    let failure = &job["failures"][0];
    assert_eq!((&failure["host"], &failure["play"]), (&json!("workstation"), &json!("Set password policy")));
    assert_eq!(failure["task"], "Check password of workstation");
    assert_eq!(failure["message"], "wrong *** for ***", "values are hidden");
    let results = job.results().await;
    assert_eq!(results["password_policy"][0], json!({"min_length": 12, "password": "the *** is ***"}));
    // Hosts finish in any order.
    let by_host = results["by_host"].as_array().expect("a list");
    assert!(by_host.contains(&json!({"workstation": 1, "lab-dc01": "***"})), "{results:#}");
    let events = job.events().await;
    let tasks: Vec<_> = events.iter().filter_map(|event| event["task"].as_str()).collect();
    assert!(
        tasks.contains(&"Read the password policy") && !tasks.iter().any(|task| task.contains("***")),
        "{tasks:?}"
    );

    let id = job["id"].as_str().expect("an id");
    let plan = app.post(&format!("/v1/jobs/{id}/resume?dry_run=true"), &json!(null), 200).await;
    assert_eq!(plan["start_at_task"], "Check password of workstation", "{plan:#}");
    for host in ["lab-dc01", "workstation"] {
        fs::remove_file(marks.join(host)).expect("the task ran");
    }
    fs::write(marks.join("fixed"), "").expect("writable");
    let job =
        app.post(&format!("/v1/jobs/{id}/resume?wait={}", WAIT_LIMIT.as_secs()), &json!(null), 200).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    assert!(!marks.join("workstation").exists(), "what came before the failed task did not run again");
}

#[tokio::test]
async fn a_name_with_a_secret_put_into_it_is_masked_and_a_strong_secret_in_keys_as_well() {
    let playbook = "
- name: 'Play of {{ pass }}'
  hosts: single
  gather_facts: false
  tasks:
    - {name: 'Log in with {{ pass }}', ansible.builtin.debug: {msg: x}}
    - name: 'Log in with {{ token }}'
      ansible.builtin.debug: {var: shown}
      vars: {shown: \"{{ {token: 1, 'plain': pass} }}\"}
";
    let app = with_playbooks(&[("named", playbook)]);
    let secrets = json!({"pass": "sunflower", "token": "kX92f81s-8c41!77"});
    let job = run_all(&app, [json!({"playbook": "named", "secret_vars": secrets})]).await.remove(0);
    assert_eq!(job["state"], "succeeded", "{job:#}");
    let kept = serde_json::to_string(&job.events().await).expect("JSON");
    for secret in ["sunflower", "kX92f81s-8c41!77"] {
        assert!(!kept.contains(secret), "{kept}");
    }
    assert_eq!(job.results().await["shown"], json!([{"***": 1, "plain": "***"}]));
}
