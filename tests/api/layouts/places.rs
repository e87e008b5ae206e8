//! Roles, collections, and configuration: runs and the catalog search the same directories.

use serde_json::{Value, json};
use testkit::{Setup, TestApp};

use super::{listed, results, with_files};

/// A service whose project root is a site of the fixtures, set with `PROJECT_ROOT_DIR`.
fn at_site(name: &str) -> Setup {
    let setup = with_files(name);
    let at = |path: &str| setup.home().join(path).to_string_lossy().into_owned();
    let (root, state) = (at(name), at("var"));
    setup.set("PROJECT_ROOT_DIR", root).set("RANGEHAND__PATHS__STATE", state)
}

fn play(name: &str, more: &str) -> String {
    format!("- name: {name}\n  hosts: localhost\n  gather_facts: false\n{more}")
}

const TASK: &str = "- ansible.builtin.debug:\n    msg: found\n";

#[tokio::test]
async fn a_configuration_whose_lines_are_all_comments_hides_no_role() {
    let setup = at_site("dumped");
    setup.write("dumped/playbooks/shipped.yml", &play("Shipped", "  roles: [proxmox_controller]\n"));
    let app = setup.start();
    results(&app, &json!({"bundle": "sweep"})).await;
    assert_nothing_is_missing(&app, "/v1/catalog/bundles/sweep").await;
    // The bundled roles exist as well, in the catalog as in a run.
    assert_nothing_is_missing(&app, "/v1/catalog/playbooks/shipped").await;
    let job = app.run(&json!({"playbook": "shipped"})).await;
    assert_ne!(job["reason"]["code"], "role_not_found", "{job:#}");
}

#[tokio::test]
async fn roles_of_the_playbooks_serve_bundles_in_runs_catalog_and_resumption() {
    let app = at_site("rooted").start();
    for bundle in ["sweep", "sweep2"] {
        assert_nothing_is_missing(&app, &format!("/v1/catalog/bundles/{bundle}")).await;
    }
    results(&app, &json!({"bundle": "sweep2"})).await;
    let job = app.run(&json!({"bundle": "sweep"})).await;
    assert_eq!(job["state"], "failed", "{job:#}");
    let preview = format!("/v1/jobs/{}/resume?dry_run=true", job["id"].as_str().expect("an id"));
    let plan = app.post(&preview, &Value::Null, 200).await;
    assert_eq!(plan["start_at_task"], "Needs a file", "{plan:#}");
    assert_eq!(plan["tasks"][0]["tasks"], json!(["Needs a file", "Last"]), "{plan:#}");
    assert!(!plan["notes"].to_string().contains("cannot list"), "{plan:#}");
}

#[tokio::test]
async fn collections_of_the_root_serve_bundles_and_deep_playbooks() {
    let setup = Setup::new();
    let collection = "playbooks/collections/ansible_collections/own/things";
    setup.write(&format!("{collection}/galaxy.yml"), "namespace: own\nname: things\nversion: 1.0.0\n");
    setup.write(&format!("{collection}/roles/tool/tasks/main.yml"), TASK);
    setup.write("playbooks/bundles/deep/er/main.yml", &play("Deep", "  roles: [own.things.tool]\n"));
    setup.write("playbooks/sub/dir/site.yml", &play("Site", "  roles: [own.things.tool]\n"));
    let app = setup.start();
    for (kind, name) in [("bundle", "deep/er"), ("playbook", "sub/dir/site")] {
        assert_nothing_is_missing(&app, &format!("/v1/catalog/{kind}s/{name}")).await;
        let mut request = json!({});
        request[kind] = json!(name);
        results(&app, &request).await;
    }
}

#[tokio::test]
async fn paths_of_a_configuration_start_at_its_directory() {
    let setup = Setup::new();
    // Comments, a continued value, and a section that is not meant, as people write them.
    let configuration = "[galaxy]\nroles_path = /nowhere\n[defaults]\n# roles_path = /nowhere\nroles_path = ../shared:\n    extra ; \
                         both\n";
    setup.write("playbooks/ansible.cfg", configuration);
    setup.write("shared/outer/tasks/main.yml", TASK);
    setup.write("playbooks/roles/own/tasks/main.yml", TASK);
    setup.write("playbooks/bundles/uses/main.yml", &play("Uses", "  roles: [outer, own]\n"));
    let app = setup.start();
    assert_nothing_is_missing(&app, "/v1/catalog/bundles/uses").await;
    results(&app, &json!({"bundle": "uses"})).await;
}

#[tokio::test]
async fn a_repository_with_playbooks_below_it_works_with_one_setting() {
    for (name, of) in
        [("RANGEHAND__PATHS__PLAYBOOKS", ""), ("RANGEHAND__PROJECTS__SITE__ROOT", "?project=site")]
    {
        let setup = with_files("layout");
        let root = setup.home().join("layout").to_string_lossy().into_owned();
        let app = setup.set(name, root).start();
        let project = if of.is_empty() { Value::Null } else { json!("site") };
        for playbook in ["nightly", "playbooks/nightly"] {
            let job = app.run(&json!({"playbook": playbook, "project": project, "limit": "localhost"})).await;
            assert_eq!(job["state"], "succeeded", "{name}: {job:#}");
            assert!(job.log().await.contains("SWEPT"), "the role and the filter of the root");
        }
        let data = json!({"playbook": "data", "project": project});
        assert_eq!(results(&app, &data).await["lab.domain"], json!(["north.lab"]), "{name}");
        let names = listed(&app, &format!("/v1/catalog/playbooks{of}")).await;
        assert!(names.contains(&"playbooks/nightly".to_owned()), "{names:?}");
        assert_nothing_is_missing(&app, &format!("/v1/catalog/playbooks/nightly{of}")).await;
    }
}

#[tokio::test]
async fn what_is_said_to_be_the_playbooks_is_that_when_it_has_playbooks() {
    let setup = Setup::new();
    setup.write("repository/site.yml", &play("Top", "  tasks: []\n"));
    setup.write("repository/playbooks/site.yml", &play("Below", "  tasks: []\n"));
    setup.write("repository/playbooks/deep.yml", &play("Deep", "  tasks: []\n"));
    let root = setup.home().join("repository").to_string_lossy().into_owned();
    let app = setup.set("API_BACKEND_WWWAPP_PLAYBOOKS_DIR", root).start();
    for (name, play) in [("site", "Top"), ("playbooks/site", "Below"), ("deep", "Deep")] {
        let shown = app.get(&format!("/v1/catalog/playbooks/{name}"), 200).await;
        assert_eq!(shown["plays"][0]["name"], play, "{shown:#}");
    }
}

#[tokio::test]
async fn a_directory_around_playbooks_still_stands_for_them() {
    let setup = Setup::new();
    // A file at the top that is no playbook, and nothing of Ansible.
    setup.write("around/docker-compose.yml", "services: {}\n");
    setup.write("around/inventory/hosts.yml", "all:\n");
    setup.write("around/playbooks/bundles/one/main.yml", &play("One", "  tasks: []\n"));
    let root = setup.home().join("around").to_string_lossy().into_owned();
    let app = setup.set("API_BACKEND_WWWAPP_PLAYBOOKS_DIR", root).start();
    let shown = app.get("/v1/catalog/bundles/one", 200).await;
    assert_eq!((&shown["path"], &shown["root"]), (&json!("bundles/one/main.yml"), &json!(0)));
}

/// Lists without a problem.
async fn assert_nothing_is_missing(app: &TestApp, path: &str) {
    let shown = app.get(path, 200).await;
    assert_eq!(
        (&shown["problem"], &shown["missing_roles"], &shown["missing_collections"]),
        (&Value::Null, &json!([]), &json!([])),
        "{path}: {shown:#}"
    );
}
