//! Facts of hosts, with and without caching.

use std::{fs, os::unix::fs::PermissionsExt};

use serde_json::json;
use testkit::Setup;

/// Reports whether facts were gathered in this run, and the known number of the host's processors.
const PLAYBOOK: &str = "- hosts: localhost
  tasks:
    - debug: {var: known}
      vars: {known: \"{{ ansible_facts.processor_vcpus is defined }}\"}
    - debug: {var: kept}
      vars: {kept: \"{{ ansible_facts.mark | default('nothing') }}\"}
    - set_fact: {mark: left by another, cacheable: true}
";

#[tokio::test]
async fn facts_are_kept_for_later_runs_against_the_same_inventory_when_that_is_set() {
    for executor in ["warm", "runner"] {
        let setup = Setup::new().set("RANGEHAND__ANSIBLE__FACT_CACHING_S", "600");
        let setup = setup.set("RANGEHAND__ANSIBLE__EXECUTOR", executor);
        setup.write("playbooks/facts.yml", PLAYBOOK);
        setup.write(
            "inventory/others.yml",
            "all: {hosts: {localhost: {ansible_connection: local, ansible_python_interpreter: '{{ ansible_playbook_python }}'}}}",
        );
        let app = setup.start();
        let gathered = |events: &[serde_json::Value]| {
            events.iter().any(|event| event["kind"] == "runner_on_ok" && event["task"] == "Gathering Facts")
        };
        for (inventory, expected) in [
            ("hosts", "nothing"),
            ("hosts", "left by another"),
            ("others", "nothing"),
            ("others", "left by another"),
        ] {
            let request = json!({"playbook": "facts", "inventory": inventory, "limit": "localhost"});
            let job = app.run(&request).await;
            assert_eq!((&job["state"], &job["executor"]), (&json!("succeeded"), &json!(executor)), "{job:#}");
            let results = job.results().await.to_string();
            assert!(results.contains(expected), "{executor} {inventory}: {results}");
            let events = job.events().await;
            assert_eq!(gathered(&events), expected == "nothing", "{executor} {inventory}");
        }
        let facts = app.home().join("var/facts");
        assert_eq!(fs::metadata(&facts).expect("facts").permissions().mode() & 0o777, 0o700);
        assert!(facts.join("hosts").is_dir() && facts.join("others").is_dir());
    }
}

#[tokio::test]
async fn facts_are_not_kept_otherwise_with_any_configuration() {
    let setup = Setup::new();
    setup.write("playbooks/facts.yml", PLAYBOOK);
    let kept = setup.home().join("kept");
    let configuration = format!(
        "[defaults]\ngathering = smart\nfact_caching = jsonfile\nfact_caching_connection = {}\n",
        kept.display()
    );
    setup.write("playbooks/ansible.cfg", &configuration);
    let app = setup.start();
    for _ in 0..2 {
        let job = app.run(&json!({"playbook": "facts", "limit": "localhost"})).await;
        assert_eq!(job["state"], "succeeded", "{job:#}");
        assert!(job.results().await.to_string().contains("nothing"));
    }
    assert!(!kept.exists());
}
