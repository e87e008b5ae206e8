//! Files in persistent paths outlast the run that wrote them.

use std::fs;

use serde_json::json;
use testkit::{Gate, Setup};

use super::{Way, playbook, succeed};

const PASSWORD: &str = r#"    - ansible.builtin.set_fact:
        generated: "{{ lookup('password', inventory_dir + '/credentials/db length=20') }}"
    - ansible.builtin.debug: {var: generated}
"#;

const REMOVE: &str =
    "    - ansible.builtin.file: {path: \"{{ inventory_dir }}/credentials/db\", state: absent}\n";

const READ: &str = r#"    - ansible.builtin.set_fact: {found: "{{ lookup('file', inventory_dir + '/credentials') }}"}
    - ansible.builtin.debug: {var: found}
"#;

fn persistent(setup: Setup) -> Setup {
    setup.set("RANGEHAND__PATHS__PERSISTENT", "credentials/")
}

pub(crate) async fn assert_a_password_stays(setup: Setup, way: Way) {
    setup.write("playbooks/password.yml", &playbook(PASSWORD));
    setup.write("playbooks/remove.yml", &playbook(REMOVE));
    let app = persistent(setup).start();
    let generated = async || succeed(&app, "password", json!({})).await.1["generated"][0].clone();
    let first = generated().await;
    assert_eq!(first.as_str().map(str::len), Some(20), "{way:?}: {first}");
    assert_eq!(generated().await, first, "{way:?}");
    assert!(!app.home().join("inventory/credentials").exists(), "{way:?}: it reached the owner's files");

    // The owner has the last word.
    app.write("inventory/credentials/db", "of the owner\n");
    assert_eq!(generated().await, json!("of the owner"), "{way:?}");
    fs::remove_dir_all(app.home().join("inventory/credentials")).expect("the test owns it");
    let second = generated().await;
    assert!(second != first && second != json!("of the owner"), "{way:?}: {second}");
    assert_eq!(generated().await, second, "{way:?}");

    // What a run removed is removed, the owner's file as well, until the owner changes it.
    succeed(&app, "remove", json!({})).await;
    let third = generated().await;
    assert_ne!(third, second, "{way:?}");
    app.write("inventory/credentials/db", "of the owner\n");
    assert_eq!(generated().await, json!("of the owner"), "{way:?}");
    succeed(&app, "remove", json!({})).await;
    assert!(app.home().join("inventory/credentials/db").exists(), "{way:?}");
    assert_ne!(generated().await, json!("of the owner"), "{way:?}");

    // A file of the owner where runs made a directory.
    fs::remove_dir_all(app.home().join("inventory/credentials")).expect("the test owns it");
    generated().await;
    app.write("inventory/credentials", "a file of the owner\n");
    app.write("playbooks/read.yml", &playbook(READ));
    let (_, shown) = succeed(&app, "read", json!({})).await;
    assert_eq!(shown["found"], json!(["a file of the owner"]), "{way:?}");
}

pub(crate) async fn assert_a_directory_becomes_a_file_and_a_directory_again(setup: Setup, way: Way) {
    let app = persistent(setup).start();
    for (number, (task, found)) in [
        ("mkdir credentials && echo one > credentials/x && cat credentials/x", "one"),
        ("cat credentials/x && rm -r credentials && echo file > credentials", "one"),
        ("cat credentials && rm credentials && mkdir credentials && echo two > credentials/y", "file"),
        ("cat credentials/y && ! test -e credentials/x", "two"),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("change{number}");
        let tasks = format!(
            "    - ansible.builtin.shell: {{chdir: '{{{{ playbook_dir }}}}', cmd: '{task}'}}\n      register: done\n    - \
             ansible.builtin.debug: {{var: done.stdout}}\n"
        );
        app.write(&format!("playbooks/{name}.yml"), &playbook(&tasks));
        let (job, shown) = succeed(&app, &name, json!({})).await;
        assert_eq!(shown["done.stdout"], json!([found]), "{way:?} {task}");
        assert!(job["warnings"].is_null(), "{way:?} {task}: {job:#}");
    }
}

#[tokio::test]
async fn a_generated_password_is_the_same_in_the_next_run() {
    for way in Way::all() {
        assert_a_password_stays(way.setup(), way).await;
    }
}

#[tokio::test]
async fn a_persistent_directory_becomes_a_file_and_a_directory_again() {
    for way in Way::all() {
        assert_a_directory_becomes_a_file_and_a_directory_again(way.setup(), way).await;
    }
}

#[tokio::test]
async fn of_two_runs_that_write_one_persistent_file_the_first_has_it_and_the_second_is_warned() {
    let setup = persistent(Way::Warm.setup());
    let tasks = "    - ansible.builtin.file: {path: \"{{ playbook_dir }}/credentials\", state: directory}\n    \
                 - ansible.builtin.copy: {content: \"{{ text }}\", dest: \"{{ playbook_dir }}/credentials/x\"}\n    \
                 - name: Wait for the gate\n      ansible.builtin.wait_for: {path: \"{{ gate }}\", timeout: 120}\n";
    setup.write("playbooks/write.yml", &playbook(tasks));
    setup.write(
        "playbooks/read.yml",
        &playbook("    - ansible.builtin.set_fact: {text: \"{{ lookup('file', 'credentials/x') }}\"}\n    - ansible.builtin.debug: {var: text}\n"),
    );
    let app = setup.set("RANGEHAND__RUNS__MAX_CONCURRENT", "2").start();
    let gate = Gate::new(&app);
    let request = |text: &str, gate: &str| json!({"playbook": "write", "limit": "localhost", "extra_vars": {"text": text, "gate": gate}});
    let second = app.submit(&request("second", gate.path())).await;
    second.until_task("Wait for the gate").await;
    let first = app.run(&request("first", "/dev/null")).await;
    assert_eq!(first["state"], "succeeded", "{first:#}");
    gate.open();
    second.until_state("succeeded").await;
    let events = second.events().await;
    let is_warned = |event: &serde_json::Value| {
        event["kind"] == "warning"
            && event["data"]["message"].as_str().is_some_and(|text| text.contains("credentials/x"))
    };
    assert!(events.iter().any(is_warned), "{events:#?}");
    assert_eq!(succeed(&app, "read", json!({})).await.1["text"], json!(["first"]));
}
