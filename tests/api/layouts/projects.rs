//! Projects by name: settings, requests, the catalog.

use serde_json::{Value, json};
use testkit::{copy, fixtures};

use super::{listed, out, playbook, results, with_project};

#[tokio::test]
async fn the_catalog_lists_a_project_by_its_places() {
    let app = with_project("kubespray").start();
    for (list, names) in [
        ("playbooks", &["cluster", "playbooks/cluster"][..]),
        ("bundles", &[]),
        ("scenarios", &[]),
        (
            "inventories",
            &["inventory/lab", "inventory/lab/hosts", "inventory/local", "inventory/local/hosts"],
        ),
    ] {
        let path = format!("/v1/catalog/{list}?project=kubespray");
        assert_eq!(listed(&app, &path).await, names, "{list}");
        let page = app.get(&path, 200).await;
        assert!(page["items"].as_array().expect("items").iter().all(|item| item["project"] == "kubespray"));
    }
    let shown = app.get("/v1/catalog/playbooks/cluster?project=kubespray", 200).await;
    assert_eq!((&shown["problem"], &shown["missing_roles"]), (&Value::Null, &json!([])), "{shown:#}");
    let tasks: Vec<_> =
        shown["plays"][0]["tasks"].as_array().expect("tasks").iter().map(|task| &task["role"]).collect();
    assert_eq!(tasks, [&json!("base"), &json!("node"), &json!("node"), &Value::Null, &Value::Null]);
}

#[tokio::test]
async fn a_request_without_a_project_means_the_only_one_that_has_the_content() {
    let setup = with_project("kubespray");
    let out = out(setup.home(), "out");
    let app = setup.start();
    let inventory = json!("inventory/lab/hosts");
    let request = json!({"playbook": "cluster", "inventory": inventory, "extra_vars": {"out": out}});
    let job = app.run(&request).await;
    assert_eq!(
        (&job["state"], &job["request"]["project"]),
        (&json!("succeeded"), &json!("kubespray")),
        "{job:#}"
    );
    // What is outside of all projects is still there, and goes first.
    let ping = app.run(&json!({"playbook": "ping", "limit": "localhost"})).await;
    assert_eq!(
        (&ping["state"], &ping["request"]["project"]),
        (&json!("succeeded"), &Value::Null),
        "{ping:#}"
    );
    let names = listed(&app, "/v1/catalog/playbooks").await;
    assert!(names.contains(&"cluster".to_owned()) && names.contains(&"ping".to_owned()), "{names:?}");
    assert!(names.is_sorted(), "{names:?}");
}

#[tokio::test]
async fn projects_keep_their_names_and_their_defaults_apart() {
    let setup = with_project("debops");
    copy(&fixtures().join("layouts/cis"), &setup.home().join("cis"));
    let settings = "[projects.hardening]\nroot = \"cis\"\nplaybooks = [\"*.yml\"]\ndefault_inventory = \"inventory/hosts\"\n";
    setup.write("rangehand.toml", settings);
    let out = out(setup.home(), "out");
    let app = setup.start();
    assert_eq!(listed(&app, "/v1/catalog/playbooks?project=hardening").await, ["site"]);
    for (project, name, inventory) in [
        ("hardening", "site", json!("inventory/hosts")),
        ("debops", "ansible/playbooks/site", json!("ansible/inventory")),
    ] {
        // The inventory is that of the setting, or the one that the project's configuration names.
        let job = app.run(&playbook(project, name, &Value::Null, &out)).await;
        assert_eq!(
            (&job["state"], &job["request"]["inventory"]),
            (&json!("succeeded"), &inventory),
            "{job:#}"
        );
    }
    let missing = app.post("/v1/jobs", &json!({"playbook": "site"}), 404).await;
    assert_eq!(missing["code"], "unknown_playbook", "several projects: the request must name one");
}

#[tokio::test]
async fn a_project_that_is_not_there_is_refused_with_those_that_are() {
    let app = with_project("goad").start();
    for problem in [
        app.post("/v1/jobs", &json!({"playbook": "main", "project": "goat"}), 404).await,
        app.get("/v1/catalog/playbooks?project=goat", 404).await,
        app.get("/v1/catalog/inventories/hosts?project=goat", 404).await,
    ] {
        assert_eq!(
            (&problem["code"], &problem["hint"]),
            (&json!("unknown_project"), &json!("there is `goad`"))
        );
    }
    for name in ["../etc", "Goad", "a b", ""] {
        let problem = app.post("/v1/jobs", &json!({"playbook": "main", "project": name}), 400).await;
        assert_eq!(problem["code"], "bad_name", "{problem:#}");
    }
    let problem = app.post("/v1/jobs", &json!({"playbook": "main", "project": 3}), 422).await;
    assert_eq!(problem["errors"][0]["code"], "wrong_type", "{problem:#}");
}

#[tokio::test]
async fn a_resumed_job_stays_in_its_project() {
    let setup = with_project("layout");
    let tasks = "  tasks:\n    - name: First\n      ansible.builtin.debug: {msg: first}\n    - name: Second\n      \
                 ansible.builtin.command: test -e {{ gate }}\n      changed_when: false\n";
    setup.write(
        "layout/playbooks/two.yml",
        &format!("- hosts: localhost\n  gather_facts: false\n  roles: [sweeper]\n{tasks}"),
    );
    let gate = setup.home().join("gate");
    let app = setup.start();
    let request = json!({"project": "layout", "playbook": "two", "extra_vars": {"gate": gate}});
    let job = app.run(&request).await;
    assert_eq!(job["state"], "failed", "{job:#}");
    let resume = format!("/v1/jobs/{}/resume", job["id"].as_str().expect("an id"));
    let plan = app.post(&format!("{resume}?dry_run=true"), &Value::Null, 200).await;
    assert_eq!(plan["start_at_task"], "Second", "{plan:#}");
    std::fs::write(&gate, "").expect("writable");
    let job = app.post(&format!("{resume}?wait=120"), &Value::Null, 200).await;
    assert_eq!(
        (&job["state"], &job["stats"]["localhost"]["ok"]),
        (&json!("succeeded"), &json!(1)),
        "{job:#}"
    );
}

#[tokio::test]
async fn inventories_outside_of_a_project_can_be_used_with_it() {
    let app = with_project("layout").start();
    let request = json!({"project": "layout", "playbook": "data", "inventory": ["trio", "inventory/hosts"]});
    assert_eq!(results(&app, &request).await["lab.domain"], json!(["north.lab"]));
}
