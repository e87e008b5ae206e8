//! The catalog over HTTP: available content, its tasks, and what is missing.

use serde_json::{Value, json};
use testkit::{Setup, TestApp, copy, fixtures};

#[tokio::test]
async fn lists_have_every_name_with_its_file() {
    let app = TestApp::new();
    for (list, kind, some) in [
        ("playbooks", "playbook", &[("ping", "ping.yml")][..]),
        (
            "bundles",
            "bundle",
            &[
                ("ping", "bundles/ping/main.yml"),
                ("badyaml", "bundles/badyaml/main.yml"),
                ("generic/network.baseline.sample", "bundles/generic/network.baseline.sample/main.yml"),
                (
                    "core/proxmox/configure/default/vms/create-vms-climb",
                    "bundles/core/proxmox/configure/default/vms/create-vms-climb/main.yml",
                ),
            ],
        ),
        ("scenarios", "scenario", &[("demo_lab", "scenarios/demo_lab/main.yml")]),
        ("inventories", "inventory", &[("hosts", "hosts.yml"), ("trio", "trio.yml")]),
    ] {
        let page = app.get(&format!("/v1/catalog/{list}"), 200).await;
        assert_eq!(page["next"], Value::Null);
        let items = page["items"].as_array().expect("items");
        for (name, path) in some {
            let entry = json!({"name": name, "kind": kind, "root": 0, "path": path});
            assert!(items.contains(&entry), "{entry} is not in {items:#?}");
        }
        let names: Vec<_> = items.iter().map(|item| item["name"].as_str().expect("text")).collect();
        assert!(names.is_sorted(), "{names:?}");
        assert!(!names.iter().any(|name| name.contains("group_vars")), "{names:?}");
    }
}

#[tokio::test]
async fn a_parameter_is_refused_as_there_are_none() {
    let app = TestApp::new();
    for list in ["playbooks", "bundles", "scenarios", "inventories"] {
        for path in [list.to_owned(), format!("{list}/ping")] {
            let problem = app.get(&format!("/v1/catalog/{path}?limit=3"), 422).await;
            let fault = &problem["errors"][0];
            assert_eq!(
                (&fault["field"], &fault["code"]),
                (&json!("limit"), &json!("unknown_parameter")),
                "{path}"
            );
        }
    }
}

#[tokio::test]
async fn a_second_root_adds_names_and_its_bundles_go_first() {
    let setup = Setup::new().set("API_BACKEND_PUBLIC_PLAYBOOKS_DIR", "public");
    let play = |name: &str| format!("- name: {name}\n  hosts: all\n  tasks: []\n");
    setup.write("public/bundles/ping/main.yml", &play("Public ping"));
    setup.write("public/bundles/only/public-v1.2/main.yml", &play("Only public"));
    let app = setup.start();
    let items = app.get("/v1/catalog/bundles", 200).await["items"].clone();
    let of = |name: &str| -> Vec<_> {
        let items = items.as_array().expect("items").iter();
        items.filter(|item| item["name"] == name).map(|item| item["root"].clone()).collect()
    };
    assert_eq!((of("ping"), of("only/public-v1.2")), (vec![json!(1)], vec![json!(1)]));
    let ping = app.get("/v1/catalog/bundles/ping", 200).await;
    assert_eq!((&ping["root"], &ping["plays"][0]["name"]), (&json!(1), &json!("Public ping")));
    let only = app.get("/v1/catalog/bundles/only/public-v1.2", 200).await;
    assert_eq!((&only["root"], &only["plays"][0]["name"]), (&json!(1), &json!("Only public")));
}

#[tokio::test]
async fn details_have_plays_tasks_and_tags() {
    let app = TestApp::new();
    let scenario = app.get("/v1/catalog/scenarios/demo_lab", 200).await;
    let task = |name: &str, tag: &str| json!({"name": name, "role": null, "tags": [tag]});
    let expected = json!({
        "kind": "scenario", "name": "demo_lab", "root": 0, "path": "scenarios/demo_lab/main.yml",
        "plays": [
            {"name": "First", "hosts": "all", "tags": ["first"], "tasks": [task("Result of the first step", "first")]},
            {"name": "Second", "hosts": "all", "tags": ["second"], "tasks": [task("Result of the second step", "second")]},
        ],
        "tags": ["first", "second"],
        "missing_vars_files": [], "missing_roles": [], "missing_collections": [], "problem": null,
    });
    assert_eq!(scenario, expected);

    let bundle = app.get("/v1/catalog/bundles/adjacent", 200).await;
    let tasks: Vec<_> = bundle["plays"][0]["tasks"]
        .as_array()
        .expect("tasks")
        .iter()
        .map(|task| (&task["role"], &task["name"]))
        .collect();
    assert_eq!(tasks, [(&json!("greeter"), &json!("Greet")), (&Value::Null, &json!("Result"))]);
}

#[tokio::test]
async fn both_generations_of_names_are_found_by_slash_and_by_its_code() {
    let app = TestApp::new();
    for (path, name, play) in [
        ("bundles/generic/network.baseline.sample", "generic/network.baseline.sample", "Name with dots"),
        ("bundles/generic%2Fnetwork.baseline.sample", "generic/network.baseline.sample", "Name with dots"),
        (
            "bundles/core/proxmox%2fconfigure/default/vms/create-vms-climb",
            "core/proxmox/configure/default/vms/create-vms-climb",
            "Climb to the root",
        ),
        ("playbooks/ping.yml", "ping.yml", "Ping"),
        ("playbooks/bundles/failing/main", "bundles/failing/main", "Failing"),
    ] {
        let detail = app.get(&format!("/v1/catalog/{path}"), 200).await;
        assert_eq!((&detail["name"], &detail["plays"][0]["name"]), (&json!(name), &json!(play)), "{path}");
        assert_eq!(detail["problem"], Value::Null, "{detail:#}");
    }
}

#[tokio::test]
async fn missing_files_of_a_playbook_are_reported() {
    let setup = Setup::new();
    setup.write(
        "playbooks/bundles/lacking/main.yml",
        r#"
- name: Lacking
  hosts: all
  vars_files:
    - there.yml
    - ../../nowhere/secret.yml
    - "{{ which }}.yml"
    - [first.yml, second.yml]
  tasks: []
"#,
    );
    setup.write("playbooks/bundles/lacking/there.yml", "a: 1\n");
    let app = setup.start();
    let lacking = app.get("/v1/catalog/bundles/lacking", 200).await;
    let missing = |path: &str, dynamic: bool| json!({"path": path, "referenced_in": "bundles/lacking/main.yml", "dynamic": dynamic});
    let files = json!([
        missing("../../nowhere/secret.yml", false),
        missing("{{ which }}.yml", true),
        missing("first.yml | second.yml", false),
    ]);
    assert_eq!(lacking["missing_vars_files"], files);

    let roles = app.get("/v1/catalog/bundles/missing_role", 200).await;
    assert_eq!(roles["missing_roles"], json!(["nowhere.to_be.found"]));
    assert!(roles["problem"].as_str().is_some_and(|text| text.contains("was not found")), "{roles:#}");
    let modules = app.get("/v1/catalog/bundles/missing_module", 200).await;
    assert_eq!(modules["missing_collections"], json!(["community.nowhere"]));

    let climbing = "/v1/catalog/bundles/core/proxmox/configure/default/vms/create-vms-climb";
    assert_eq!(
        app.get(climbing, 200).await["missing_vars_files"],
        json!([]),
        "a climb that arrives lacks nothing"
    );
}

#[tokio::test]
async fn a_playbook_that_ansible_cannot_read_is_shown_with_its_problem() {
    let app = TestApp::new();
    for (name, problem) in [("badyaml", "main.yml:8:1"), ("notaplaybook", "must be a list of plays")] {
        let detail = app.get(&format!("/v1/catalog/bundles/{name}"), 200).await;
        assert_eq!(detail["plays"], json!([]));
        assert!(detail["problem"].as_str().is_some_and(|text| text.contains(problem)), "{detail:#}");
    }
}

#[tokio::test]
async fn an_inventory_shows_groups_and_hosts_but_no_variables() {
    let setup = Setup::new();
    setup.write(
        "inventory/secretive.yml",
        "all:\n  vars: {token: HIDDEN-ALL}\n  children:\n    web:\n      vars: {password: HIDDEN-GROUP}\n      hosts:\n        \
         web-1: {ansible_password: HIDDEN-HOST, ansible_host: 10.0.0.1}\n        web-2:\n    \
         edge: {children: {web: }}\n",
    );
    setup.write("inventory/group_vars/web.yml", "more: HIDDEN-FILE\n");
    setup.write("inventory/broken.yml", "all:\n  vars: {token: HIDDEN-BROKEN\n");
    let app = setup.start();
    let shown = app.get("/v1/catalog/inventories/secretive", 200).await;
    assert_eq!(shown["hosts"], json!(["web-1", "web-2"]));
    let groups = shown["groups"].as_array().expect("groups");
    assert!(
        groups.contains(&json!({"name": "web", "hosts": ["web-1", "web-2"], "children": []})),
        "{shown:#}"
    );
    assert!(groups.contains(&json!({"name": "edge", "hosts": [], "children": ["web"]})), "{shown:#}");
    let broken = app.get("/v1/catalog/inventories/broken", 200).await;
    assert!(broken["problem"].is_string(), "{broken:#}");
    for text in [shown.to_string(), broken.to_string()] {
        assert!(
            !["HIDDEN", "10.0.0.1", "password", "token"].iter().any(|part| text.contains(part)),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_bundle_is_listed_by_ansible_and_its_gaps_by_the_scan() {
    let setup = Setup::new();
    // With everything that an inspection finds.
    copy(&fixtures().join("catalog/rich"), &setup.home().join("playbooks/bundles/rich"));
    setup.write("playbooks/secrets/there.yml", "s: 1\n");
    setup.write("outside/secret.yml", "s: 1\n");
    let no_role = "- hosts: all\n  roles: [kit.role_that_does_not_exist]\n";
    setup.write("playbooks/bundles/norole/main.yml", no_role);
    let app = setup.start();
    let rich = app.get("/v1/catalog/bundles/rich", 200).await;
    assert_eq!(rich["problem"], Value::Null, "{rich:#}");
    let task = |role: Value, name: &str, tags: &[&str]| json!({"role": role, "name": name, "tags": tags});
    let tasks = json!([
        task(json!("web"), "in role", &["a b", "p1", "p2", "rt"]),
        task(Value::Null, "weird : name", &["blk", "one", "p1", "p2"]),
        task(Value::Null, "imported", &["p1", "p2"]),
        task(Value::Null, "ansible.builtin.include_tasks", &["p1", "p2"]),
        task(Value::Null, "ansible.builtin.include_role", &["p1", "p2"]),
    ]);
    assert_eq!(
        rich["plays"],
        json!([
            {"name": "first (1) : play", "hosts": "web:!db", "tags": ["p1", "p2"], "tasks": tasks},
            {"name": "a,b", "hosts": "a,b", "tags": [], "tasks": []},
        ])
    );
    assert_eq!(rich["tags"], json!(["a b", "blk", "one", "p1", "p2", "rt"]));
    let missing: Vec<_> =
        rich["missing_vars_files"].as_array().expect("files").iter().map(|file| &file["path"]).collect();
    assert_eq!(
        missing,
        [
            "missing.yml",
            "{{ flavour }}.yml",
            "no.yml | neither.yml",
            "../../../outside/secret.yml",
            "../../../secrets/nowhere.yml"
        ]
    );
    assert_eq!(rich["missing_roles"], json!(["also_missing", "not.there.at_all"]));
    assert_eq!(rich["missing_collections"], json!(["community.nowhere"]));

    let none = app.get("/v1/catalog/bundles/norole", 200).await;
    assert_eq!(none["missing_roles"], json!(["kit.role_that_does_not_exist"]));
    let problem = none["problem"].as_str().expect("a text");
    assert!(problem.contains("kit.role_that_does_not_exist"), "{problem}");
    let root = app.home().join("playbooks");
    assert!(!problem.contains(root.to_str().expect("UTF-8")), "{problem}");
}
