//! Actions on machines with a replacement for the role: locks, several steps, clients that disconnect.

use std::fs;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Job, Setup, TestApp, until_async};

const VMS: &str = "/v0/admin/proxmox/vms/vm_id";

fn setup() -> Setup {
    let setup = Setup::new()
        .set("RANGEHAND__ANSIBLE__DEFAULT_INVENTORY", "proxmox")
        .set("RANGEHAND__RUNS__MAX_CONCURRENT", "3");
    let playbook = include_str!("actions.yml").replace("HOME", &setup.home().to_string_lossy());
    setup.write("playbooks/generic.yml", &playbook);
    let inventory = "proxmox: {hosts: {px: {ansible_connection: local, \
                     ansible_python_interpreter: '{{ ansible_playbook_python }}', proxmox_node: px, proxmox_api_host: '127.0.0.1:9'}}}\n";
    setup.write("inventory/proxmox.yml", inventory);
    setup
}

fn write(app: &TestApp, file: &str) {
    fs::write(app.home().join(file), "").expect("writable");
}

/// A call in the background.
fn call(app: &TestApp, method: Method, action: &str, body: Value) -> tokio::task::JoinHandle<(u16, Value)> {
    let url = format!("{}{VMS}/{action}", app.address());
    tokio::spawn(async move {
        let reply = reqwest::Client::new().request(method, url).json(&body).send().await.expect("an answer");
        (reply.status().as_u16(), reply.json().await.expect("JSON"))
    })
}

/// The job of a route, once there is one in this state.
async fn job(app: &TestApp, operation: &str, state: &str) -> Job {
    let path = format!("/v1/jobs?label=operation={operation}&state={state}");
    let mut found = Value::Null;
    let is_there = async || {
        found = app.get(&path, 200).await["items"][0].clone();
        !found.is_null()
    };
    until_async(&format!("a job of `{operation}` is {state}"), is_there).await;
    app.job(&found)
}

fn on(vm_id: &str) -> Value {
    json!({ "proxmox_node": "px", "vm_id": vm_id })
}

#[tokio::test]
async fn calls_for_one_machine_wait_for_each_other_and_others_pass() {
    let app = setup().start();
    write(&app, "hold-vm_start");
    let start = call(&app, Method::POST, "start", on("1000"));
    let holder = job(&app, "vm_start", "running").await;
    // An empty node is the one of the inventory, and zeros before a number are nothing.
    let delete = call(&app, Method::DELETE, "delete", json!({ "proxmox_node": "", "vm_id": "01000" }));
    let waiting = job(&app, "vm_delete", "queued").await;
    let waiting = app.get(&format!("/v1/jobs/{}", waiting["id"].as_str().expect("an id")), 200).await;
    assert_eq!(waiting["request"]["resources"], json!(["vm:px/1000"]));
    assert!(waiting["waiting"].to_string().contains(holder["id"].as_str().expect("an id")), "{waiting:#}");
    let (status, reply) = call(&app, Method::DELETE, "delete", on("100")).await.expect("an answer");
    assert_eq!((status, &reply["result"][0]["vm_name"]), (200, &json!("first")));
    write(&app, "gate");
    for (call, key) in [(start, "vm_id"), (delete, "vm_name")] {
        let (status, reply) = call.await.expect("an answer");
        assert_eq!(status, 200, "{reply}");
        assert!(reply["result"][0][key].is_string(), "{reply}");
    }
}

#[tokio::test]
async fn a_look_up_and_its_action_are_two_steps_of_one_job() {
    let app = setup().start();
    let reply = app.send(Method::DELETE, &format!("{VMS}/delete"), Some(&on("1000"))).await;
    let id = reply.headers()["x-rangehand-job"].to_str().expect("text").to_owned();
    let reply: Value = reply.json().await.expect("JSON");
    assert_eq!(reply, json!({ "rc": 0, "result": [{ "vm_id": "1000", "vm_name": "web-01" }] }));
    let job = app.job(&json!({"id": id})).read().await;
    assert_eq!(job["request"]["before"][0]["find"]["value"], "1000");
    let steps: Vec<Value> = job.events().await.into_iter().filter(|event| event["kind"] == "step").collect();
    let numbers: Vec<_> = steps.iter().map(|step| (&step["data"]["step"], &step["data"]["of"])).collect();
    assert_eq!(numbers, [(&json!(1), &json!(2)), (&json!(2), &json!(2))]);

    let mut body = on("1000");
    body["as_json"] = json!(false);
    let reply = app.send(Method::DELETE, &format!("{VMS}/delete"), Some(&body)).await;
    let reply: Value = reply.json().await.expect("JSON");
    let plays = reply["log_multiline"].as_array().expect("lines").iter();
    let plays = plays.filter(|line| line.as_str().is_some_and(|line| line.starts_with("PLAY ["))).count();
    assert_eq!(plays, 1, "the reply has only the last step: {reply:#}");
}

#[tokio::test]
async fn a_missing_machine_gets_the_error_of_the_reference() {
    let app = setup().start();
    let reply = app.send(Method::DELETE, &format!("{VMS}/delete"), Some(&on("77"))).await;
    let id = reply.headers()["x-rangehand-job"].to_str().expect("text").to_owned();
    assert_eq!(reply.status().as_u16(), 500);
    let reply: Value = reply.json().await.expect("JSON");
    assert_eq!(reply, json!({ "detail": ":: err - vm_id NOT FOUND" }));
    let job = app.get(&format!("/v1/jobs/{id}"), 200).await;
    assert_eq!((&job["state"], &job["reason"]["code"]), (&json!("failed"), &json!("not_found")));
}

#[tokio::test]
async fn steps_continue_when_the_service_is_killed_between_them() {
    let mut app = setup().start();
    write(&app, "hold-vm_list");
    let reply = call(&app, Method::DELETE, "delete", on("1000"));
    let job = job(&app, "vm_delete", "running").await;
    job.until_task("Wait for the gate").await;
    app.kill();
    // The client's connection is closed.
    assert!(reply.await.is_err());
    write(&app, "gate");
    app.start_again();
    let job = job.until_state("succeeded").await;
    assert_eq!(job.results().await["vm_delete"], json!([{ "vm_id": "1000", "vm_name": "web-01" }]));
    assert_eq!(job["attempt"], 1);
}

#[tokio::test]
async fn a_cancel_in_the_second_step_ends_the_job() {
    let app = setup().start();
    write(&app, "hold-vm_delete");
    let reply = call(&app, Method::DELETE, "delete", on("1000"));
    let job = job(&app, "vm_delete", "running").await;
    job.until_task("Machines").await;
    job.cancel().await;
    job.until_state("canceled").await;
    let (status, reply) = reply.await.expect("an answer");
    assert_eq!((status, &reply["rc"]), (500, &json!(254)), "{reply}");
}

#[tokio::test]
async fn a_job_outlives_its_caller_unless_a_setting_says_otherwise() {
    for (cancels, state) in [("false", "succeeded"), ("true", "canceled")] {
        let app = setup().set("RANGEHAND__SERVER__CANCEL_ON_DISCONNECT", cancels).start();
        write(&app, "hold-vm_start");
        let caller = call(&app, Method::POST, "start", on("1000"));
        let job = job(&app, "vm_start", "running").await;
        job.until_task("Wait for the gate").await;
        caller.abort();
        let _ = caller.await;
        if state == "succeeded" {
            write(&app, "gate");
        }
        job.until_state(state).await;
    }
}

#[tokio::test]
async fn calls_for_a_whole_set_lock_the_set() {
    let app = setup().start();
    let body = json!({ "proxmox_node": "px" });
    for set in ["vuln", "admin"] {
        let path = format!("core/proxmox/configure/default/vms/start-stop-pause-resume-vms-{set}");
        app.write(
            &format!("playbooks/bundles/{path}/main.yml"),
            "- hosts: all\n  gather_facts: false\n  tasks: [{ansible.builtin.debug: {msg: done}}]\n",
        );
        let path = format!("/v0/admin/run/bundles/core/proxmox/configure/default/start-vms-{set}");
        let reply = app.send(Method::POST, &path, Some(&body)).await;
        assert_eq!(reply.status().as_u16(), 200);
        let id = reply.headers()["x-rangehand-job"].to_str().expect("text");
        let job = app.get(&format!("/v1/jobs/{id}"), 200).await;
        assert_eq!(job["request"]["resources"], json!([format!("vms:px/{set}")]));
    }
}

#[tokio::test]
async fn the_token_of_the_inventory_is_shown_by_no_playbook() {
    let token = testkit::generated_secret();
    let setup = setup();
    let inventory = format!(
        "proxmox: {{hosts: {{px: {{ansible_connection: local, proxmox_api_host: '127.0.0.1:9', \
         proxmox_api_token_secret: '{token}'}}}}}}\n"
    );
    setup.write("inventory/proxmox.yml", &inventory);
    setup.write(
        "playbooks/bundles/show/main.yml",
        "- hosts: all\n  gather_facts: false\n  tasks: [{ansible.builtin.debug: {msg: 'it is {{ proxmox_api_token_secret }}.'}}]\n",
    );
    let app = setup.start();
    let path = "/v0/admin/run/bundles/show/run";
    let reply = app.send(Method::POST, path, Some(&json!({ "proxmox_node": "px", "hosts": "px" }))).await;
    let text = reply.text().await.expect("text");
    assert!(text.contains("it is ***.") && !text.contains(&token), "{text}");
}

#[tokio::test]
async fn a_password_of_a_request_is_shown_nowhere() {
    let password = testkit::generated_secret();
    let app = setup().start();
    app.write(
        "playbooks/bundles/core/linux/ubuntu/configure/add-user/main.yml",
        "- hosts: all\n  gather_facts: false\n  tasks: [{ansible.builtin.debug: {var: TARGET_PASSWORD}}]\n",
    );
    let body = json!({
        "proxmox_node": "px", "hosts": "px", "user": "ann", "password": password, "change_pwd_at_logon": true,
        "shell_path": "/bin/sh",
    });
    let path = "/v0/admin/run/bundles/core/linux/ubuntu/configure/add-user";
    let reply = app.send(Method::POST, path, Some(&body)).await;
    let id = reply.headers()["x-rangehand-job"].to_str().expect("text").to_owned();
    let text = reply.text().await.expect("text");
    assert!(text.contains("***") && !text.contains(&password), "{text}");
    let job = app.job(&json!({"id": id})).read().await;
    assert_eq!(job["request"]["secret_vars"], json!(["TARGET_PASSWORD"]));
    let seen = format!("{job}{:?}{}", job.events().await, app.log());
    assert!(!seen.contains(&password));
}

#[tokio::test]
async fn a_password_of_a_few_letters_is_not_shown_either() {
    let app = setup().start();
    app.write(
        "playbooks/bundles/core/linux/ubuntu/configure/add-user/main.yml",
        "- hosts: all\n  gather_facts: false\n  tasks: [{ansible.builtin.debug: {var: TARGET_PASSWORD}}]\n",
    );
    let body = json!({
        "proxmox_node": "px", "hosts": "px", "user": "ann", "password": "Q7", "change_pwd_at_logon": true,
        "shell_path": "/bin/sh",
    });
    let path = "/v0/admin/run/bundles/core/linux/ubuntu/configure/add-user";
    let reply = app.send(Method::POST, path, Some(&body)).await;
    let id = reply.headers()["x-rangehand-job"].to_str().expect("text").to_owned();
    let text = reply.text().await.expect("text");
    assert!(text.contains("***") && !text.contains("Q7"), "{text}");
    let job = app.job(&json!({"id": id})).read().await;
    let seen = format!("{job}{:?}", job.events().await);
    assert!(!seen.contains("\"Q7") && !seen.contains("Q7\""), "{seen}");
}
