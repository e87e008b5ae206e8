//! Secret variables of a request: only Ansible gets their values.

use std::fs;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Gate, Setup, TestApp, generated_secret, until_async};

use super::{assert_nowhere, assert_private_on_tmpfs, files_with, processes_that_show};

/// Prints the variable `value` in plaintext, in base64, and as a number of characters.
const PRINTS: &str = "- name: Prints\n  hosts: all\n  gather_facts: false\n  tasks:\n    - name: Result\n      \
                      ansible.builtin.debug:\n        var: printed\n      vars:\n        printed: {value: '{{ value \
                      }}', coded: \"{{ ('x:' ~ value) | b64encode }}\", length: '{{ value | length }}'}\n";

fn printing() -> TestApp {
    let setup = Setup::new();
    setup.write("playbooks/bundles/prints/main.yml", PRINTS);
    setup.start()
}

fn prints(value: &str) -> Value {
    json!({"bundle": "prints", "limit": "localhost", "verbosity": 5, "secret_vars": {"value": value}})
}

#[tokio::test]
async fn a_secret_variable_reaches_ansible_and_is_masked_in_all_that_comes_back() {
    let app = printing();
    let secret = generated_secret();
    let job = app.run(&prints(&secret)).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    assert_eq!(job["request"]["secret_vars"], json!(["value"]));
    let printed = &job.results().await["printed"][0];
    assert_eq!(printed["value"], "***");
    assert_eq!(printed["length"], secret.len());
    assert!(printed["coded"].as_str().is_some_and(|coded| coded.contains("***")), "{printed}");
    assert_nowhere(&app, &job, &secret).await;
}

#[tokio::test]
async fn a_text_of_a_secret_variable_is_never_a_template() {
    let app = printing();
    let job = app.run(&prints("{{ 7 * 191 }}")).await;
    let printed = &job.results().await["printed"][0];
    assert_eq!(printed["length"], "{{ 7 * 191 }}".len(), "{printed}");
}

#[tokio::test]
async fn a_waiting_job_has_its_secrets_encrypted_and_a_running_one_on_tmpfs() {
    let app = Setup::new().set("RANGEHAND__RUNS__MAX_CONCURRENT", "1").start();
    let (gate, secret) = (Gate::new(&app), generated_secret());
    let request = json!({"bundle": "gate", "limit": "localhost", "extra_vars": {"gate": gate.path()},
                         "secret_vars": {"value": [secret, {"deep": secret}]}});
    let running = app.submit(&request).await;
    running.until_task("Wait for the gate").await;
    let waiting = app.submit(&request).await;
    assert_eq!(files_with(&app.home().join("var"), &secret), Vec::<std::path::PathBuf>::new());
    assert_eq!(processes_that_show(&secret), Vec::<std::path::PathBuf>::new());
    assert_private_on_tmpfs(&app, &secret);
    gate.open();
    for job in [running, waiting] {
        job.until_state("succeeded").await;
        assert_nowhere(&app, &job, &secret).await;
    }
}

#[tokio::test]
async fn a_waiting_job_keeps_its_secrets_over_a_restart() {
    let setup = Setup::new().set("RANGEHAND__RUNS__MAX_CONCURRENT", "1");
    setup.write("playbooks/bundles/prints/main.yml", PRINTS);
    let mut app = setup.start();
    let gate = Gate::new(&app);
    let busy = json!({"bundle": "gate", "limit": "localhost", "extra_vars": {"gate": gate.path()}});
    let first = app.submit(&busy).await;
    first.until_task("Wait for the gate").await;
    let secret = generated_secret();
    let waiting = app.submit(&prints(&secret)).await;
    app.kill();
    app.start_again();
    gate.open();
    let job = waiting.until_state("succeeded").await;
    assert_eq!(job.results().await["printed"][0]["length"], secret.len());
    app.job(&first).until_state("succeeded").await;
}

#[tokio::test]
async fn a_job_whose_secrets_are_wiped_is_not_run_again() {
    let app = TestApp::new();
    let request =
        json!({"bundle": "failing", "limit": "localhost", "secret_vars": {"value": generated_secret()}});
    let job = app.run(&request).await;
    let id = job["id"].as_str().expect("a job has an id");
    for action in ["retry", "resume"] {
        let problem = app.post(&format!("/v1/jobs/{id}/{action}"), &Value::Null, 409).await;
        assert_eq!(problem["code"], "secrets_gone", "{problem}");
        assert!(problem["hint"].as_str().is_some_and(|hint| hint.contains("submit a new job")), "{problem}");
    }
    // Without secrets it is.
    let job = app.run(&json!({"bundle": "failing", "limit": "localhost"})).await;
    app.post(&format!("/v1/jobs/{}/retry?wait=60", job["id"].as_str().expect("an id")), &Value::Null, 200)
        .await;
}

#[tokio::test]
async fn a_retry_by_policy_has_the_secrets_and_the_last_one_wipes_them() {
    let app = TestApp::new();
    let secret = generated_secret();
    let request = json!({"bundle": "failing", "limit": "localhost", "secret_vars": {"value": secret},
                         "retry": {"on": ["failed"], "max_attempts": 2}});
    let job = app.submit(&request).await;
    let id = job["id"].as_str().expect("a job has an id");
    let mut ended = Value::Null;
    let has_failed_twice = async || {
        ended = app.get(&format!("/v1/jobs/{id}"), 200).await;
        ended["state"] == "failed" && ended["attempt"] == 2
    };
    until_async("the second attempt has failed", has_failed_twice).await;
    assert_eq!(ended["reason"]["code"], "task_failed", "{ended:#}");
    assert_eq!(app.post(&format!("/v1/jobs/{id}/retry"), &Value::Null, 409).await["code"], "secrets_gone");
}

#[tokio::test]
async fn faults_of_secret_variables_do_not_show_values() {
    let app = TestApp::new();
    for (secret_vars, field, code) in [
        (json!({"ansible_password": "hunter-two"}), "secret_vars.ansible_password", "invalid_variable"),
        (json!({"both": "hunter-two"}), "secret_vars.both", "given_twice"),
        (json!({"short": {"deep": "abc"}}), "secret_vars.short", "too_short"),
        (json!("hunter-two"), "secret_vars", "wrong_type"),
    ] {
        let request = json!({"playbook": "ping", "extra_vars": {"both": 1}, "secret_vars": secret_vars});
        let problem = app.post("/v1/jobs", &request, 422).await;
        assert_eq!(problem["errors"][0]["field"], field, "{problem}");
        assert_eq!(problem["errors"][0]["code"], code, "{problem}");
        assert!(!problem.to_string().contains("hunter"), "{problem}");
    }
}

#[tokio::test]
async fn equal_requests_have_equal_secrets_and_the_database_does_not_help_to_guess_them() {
    let app = TestApp::new();
    let send = async |secret: &str| {
        let body =
            json!({"bundle": "ping", "limit": "localhost", "secret_vars": {"value": secret}}).to_string();
        let client = reqwest::Client::new();
        let request = client.request(Method::POST, format!("{}/v1/jobs", app.address()));
        let request = request.header("idempotency-key", "k").header("content-type", "application/json");
        let response = request.body(body).send().await.expect("the service answers");
        (response.status().as_u16(), response.json::<Value>().await.expect("JSON"))
    };
    let (status, first) = send("hunter-two").await;
    assert_eq!(status, 202);
    let (_, again) = send("hunter-two").await;
    assert_eq!(again["id"], first["id"]);
    let (status, other) = send("hunter-three").await;
    assert_eq!((status, &other["code"]), (409, &json!("idempotency_key_used")));
    app.job(&first).until_state("succeeded").await;
}

#[tokio::test]
async fn without_its_key_a_waiting_job_fails_and_says_why() {
    let mut app = Setup::new().set("RANGEHAND__RUNS__MAX_CONCURRENT", "1").start();
    let gate = Gate::new(&app);
    let request = json!({"bundle": "gate", "limit": "localhost", "extra_vars": {"gate": gate.path()}});
    let first = app.submit(&request).await;
    first.until_task("Wait for the gate").await;
    let mut secret = request.clone();
    secret["secret_vars"] = json!({"value": generated_secret()});
    let waiting = app.submit(&secret).await;
    app.kill();
    fs::remove_file(app.home().join("var/secrets.key")).expect("it is there");
    app.start_again();
    assert!(app.log().contains("not in the key file"), "it says so at its start");
    gate.open();
    let job = waiting.until_state("failed").await;
    let message = job["reason"]["message"].as_str().expect("text");
    assert!(message.contains("secrets.key_file"), "{message}");
    app.job(&first).until_state("succeeded").await;
}
