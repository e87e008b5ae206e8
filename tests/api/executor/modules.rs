//! What is sent to a host: modules of Ansible, with their imports.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use serde_json::{Value, json};
use testkit::{TestApp, WAIT_LIMIT, ssh_lab};

use super::with;

/// Reports for each host whether its module was compiled, and whether its Python has the version of the one that sent it.
const SENT: &str = r#"
- hosts: lab-1
  gather_facts: "{{ gather }}"
  gather_subset: [min]
  tasks:
    - name: Inspect the package of the module that runs this
      ansible.builtin.command:
        argv:
          - /usr/bin/python3
          - -c
          - |
            import glob, os, sys, zipfile
            [package] = glob.glob(os.environ["TMPDIR"] + "/*/*.zip")
            is_compiled = any(name.endswith(".pyc") for name in zipfile.ZipFile(package).namelist())
            print(is_compiled, "%d.%d" % sys.version_info[:2] == "{{ version }}")
      vars:
        version: "{{ lookup('ansible.builtin.pipe', ansible_playbook_python ~ ' -V').split()[1].split('.')[:2] | join('.') }}"
      environment: {TMPDIR: "{{ directory }}"}
      register: sent
      changed_when: false
    - ansible.builtin.debug: {var: sent.stdout}
"#;

/// The report: whether it is compiled, and whether the host's Python has the same version.
async fn sent(app: &TestApp, directory: &Path, gather: bool) -> (bool, bool) {
    let vars = json!({"directory": directory, "gather": gather});
    let job = app.run(&json!({"bundle": "sent", "inventory": "lab", "extra_vars": vars})).await;
    assert_eq!((&job["state"], &job["executor"]), (&json!("succeeded"), &json!("warm")), "{job:#}");
    let events = job.events().await;
    let results = events.iter().filter_map(|event| event["data"]["res"]["sent.stdout"].as_str());
    match results.collect::<Vec<_>>()[..] {
        [text] => (text.starts_with("True "), text.ends_with(" True")),
        _ => panic!("{:#}", Value::from(events)),
    }
}

/// A service that has the lab, and where packages of modules are unpacked.
fn service(compiled: &str) -> (TestApp, PathBuf) {
    let setup = with("warm").set("RANGEHAND__ANSIBLE__COMPILED_MODULES", compiled);
    let setup = ssh_lab::with_inventories(setup);
    setup.write("playbooks/bundles/sent/main.yml", SENT);
    let directory = setup.home().join("payload");
    fs::create_dir(&directory).expect("the test owns it");
    (setup.start(), directory)
}

#[tokio::test]
async fn modules_go_compiled_to_hosts_that_are_known_to_have_a_python_of_our_version() {
    let (app, directory) = service("true");
    // They are packed some time after the first run.
    let (begun, mut runs) = (Instant::now(), 0);
    loop {
        runs += 1;
        let (is_compiled, is_of_our_version) = sent(&app, &directory, true).await;
        if is_compiled == is_of_our_version {
            break;
        }
        assert!(begun.elapsed() < WAIT_LIMIT, "compiled: {is_compiled}, same version: {is_of_our_version}");
    }
    let (is_compiled, _) = sent(&app, &directory, false).await;
    assert!(!is_compiled, "the Python version of this host is unknown");

    let (app, directory) = service("false");
    for _ in 0..runs + 2 {
        let (is_compiled, _) = sent(&app, &directory, true).await;
        assert!(!is_compiled, "a setting forbids it");
    }
}
