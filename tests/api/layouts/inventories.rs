//! Which files are inventories, several inventories at once, and what the catalog shows of them.

use serde_json::{Value, json};
use testkit::{Setup, TestApp};

use super::{listed, out, playbook, results, with_files, with_project};

#[tokio::test]
async fn several_inventories_of_a_request_are_shown_kept_and_used_in_order() {
    let setup = Setup::new();
    let host =
        |word: &str| format!("all:\n  hosts:\n    localhost: {{ansible_connection: local, word: {word}}}\n");
    setup.write("inventory/first.yml", &host("first"));
    setup.write("inventory/second.yml", &host("second"));
    setup.write(
        "playbooks/word.yml",
        "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - ansible.builtin.debug: {var: word}\n",
    );
    let app = setup.start();
    for (inventories, word) in [
        (json!(["first", "second"]), "second"),
        (json!(["second", "first"]), "first"),
        (json!("first"), "first"),
        (json!(["first"]), "first"),
    ] {
        let job = app.run(&json!({"playbook": "word", "inventory": inventories})).await;
        assert_eq!(job["state"], "succeeded", "{job:#}");
        assert_eq!(job.results().await["word"], json!([word]), "{inventories}");
        let shown = if inventories == json!(["first"]) { json!("first") } else { inventories };
        assert_eq!(job["request"]["inventory"], shown);
        let again = app
            .post(
                &format!("/v1/jobs/{}/retry?wait=120", job["id"].as_str().expect("an id")),
                &Value::Null,
                200,
            )
            .await;
        assert_eq!((&again["state"], &again["request"]["inventory"]), (&json!("succeeded"), &shown));
    }
    for (inventories, status, code) in [
        (json!([]), 422, "invalid_request"),
        (json!(["first", 3]), 422, "invalid_request"),
        (json!(["first", "../etc"]), 400, "bad_name"),
        (json!(vec!["first"; 17]), 422, "invalid_request"),
    ] {
        let problem =
            app.post("/v1/jobs", &json!({"playbook": "word", "inventory": inventories}), status).await;
        assert_eq!(problem["code"], code, "{inventories}");
    }
}

#[tokio::test]
async fn secrets_of_every_inventory_of_a_request_are_masked() {
    let setup = Setup::new();
    let secret = testkit::generated_secret();
    setup.write("inventory/first.yml", "all:\n  hosts: {localhost: {ansible_connection: local}}\n");
    setup.write("inventory/second.yml", &format!("all:\n  vars: {{lab_password: {secret}}}\n"));
    setup.write(
        "playbooks/show.yml",
        "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - ansible.builtin.debug: {msg: '{{ lab_password }}'}\n",
    );
    let app = setup.start();
    let job = app.run(&json!({"playbook": "show", "inventory": ["first", "second"]})).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    assert!(!job.log().await.contains(&secret));
}

#[tokio::test]
async fn the_default_may_be_several_inventories_for_v0_too() {
    let setup = Setup::new().set("RANGEHAND__ANSIBLE__DEFAULT_INVENTORY", "hosts,more");
    setup.write("inventory/more.yml", "all:\n  hosts: {more-1: {ansible_connection: local}}\n");
    let app = setup.start();
    let body = json!({"proxmox_node": "x", "hosts": "more-1"});
    let answer = app.post("/v0/admin/debug/ping", &body, 200).await;
    assert_eq!(answer["rc"], 0, "{answer:#}");
    let jobs = app.get("/v1/jobs", 200).await;
    assert_eq!(jobs["items"][0]["request"]["inventory"], json!(["hosts", "more"]));
}

#[tokio::test]
async fn an_unknown_inventory_is_answered_with_names_that_there_are() {
    let app = TestApp::new();
    for (wanted, hint) in
        [("hots", "there is `hosts`"), ("zzzzzz", "there is `hosts`, `trio`, `unreachable`")]
    {
        let problem = app.get(&format!("/v1/catalog/inventories/{wanted}"), 404).await;
        assert_eq!((&problem["code"], &problem["hint"]), (&json!("unknown_inventory"), &json!(hint)));
        let job = app.run(&json!({"playbook": "ping", "inventory": ["hosts", wanted]})).await;
        assert_eq!(job["reason"]["code"], "inventory_not_found");
        assert_eq!(job["reason"]["message"], format!("unknown inventory `{wanted}`\nhint: {hint}"));
    }
}

#[tokio::test]
async fn v0_reports_a_missing_inventory_as_recorded() {
    let app = TestApp::new();
    std::fs::remove_file(app.home().join("inventory/hosts.yml")).expect("it was there");
    let file = app.home().join("inventory/hosts.yml");
    let body = json!({"proxmox_node": "x", "hosts": "localhost"});
    for path in ["/v0/admin/debug/ping", "/v0/admin/proxmox/vms/list", "/v0/admin/run/bundles/ping/run"] {
        let answer = app.post(path, &body, 400).await;
        assert_eq!(
            answer,
            json!({"detail": format!(":: err - INVENTORY NOT FOUND : {}", file.display())}),
            "{path}"
        );
    }
    std::os::unix::fs::symlink("/etc/hosts", &file).expect("writable");
    let answer = app.post("/v0/admin/debug/ping", &body, 400).await;
    assert!(answer["detail"].as_str().is_some_and(|text| text.contains("PATH TRAVERSAL")), "{answer}");
}

#[tokio::test]
async fn details_read_an_inventory_with_the_configuration_of_a_run() {
    // Its configuration leaves `.ini` files out of directories.
    let setup = with_project("kubespray");
    let out = out(setup.home(), "out");
    let app = setup.start();
    let of = |name: &str| format!("/v1/catalog/inventories/{name}?project=kubespray");
    let shown = app.get(&of("inventory/local"), 200).await;
    assert_eq!(shown["hosts"], json!([]), "{shown:#}");
    let job = app.run(&playbook("kubespray", "cluster", &json!("inventory/local"), &out)).await;
    assert_eq!(job["stats"], json!({}), "{job:#}");
    let shown = app.get(&of("inventory/lab"), 200).await;
    assert_eq!((&shown["hosts"], &shown["problem"]), (&json!(["node1", "node2"]), &Value::Null), "{shown:#}");
}

#[tokio::test]
async fn only_inventories_are_listed_where_the_directory_holds_other_things() {
    let setup = with_files("kubespray");
    let root = setup.home().join("kubespray").to_string_lossy().into_owned();
    let app = setup.set("API_BACKEND_INVENTORY_DIR", root).start();
    assert_eq!(
        listed(&app, "/v1/catalog/inventories").await,
        ["inventory/lab", "inventory/lab/hosts", "inventory/local", "inventory/local/hosts"]
    );
    for other in
        ["hack/cleanup", "hack/cleanup.sh", "hack", "ansible", "galaxy", "cluster", "roles/node/meta/main"]
    {
        app.get(&format!("/v1/catalog/inventories/{other}"), 404).await;
    }
    assert!(!app.home().join("kubespray/hack/was-executed").exists());
    results(&app, &json!({"playbook": "ping", "inventory": "inventory/lab/hosts"})).await;
}
