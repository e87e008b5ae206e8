//! Content that exists but can't be run: the job ends as `failed`, with phase, reason, and the last output of Ansible.

use serde_json::json;
use testkit::{Setup, TestApp, WAIT_LIMIT};

#[tokio::test]
async fn what_cannot_be_run_fails_with_its_phase_cause_and_last_lines() {
    let app = TestApp::new();
    let cases = [
        (json!({"bundle": "badyaml"}), "run", "playbook_invalid", "badyaml/main.yml:8:1"),
        (json!({"bundle": "notaplaybook"}), "run", "playbook_invalid", "must be a list of plays"),
        (json!({"bundle": "missing_role"}), "run", "role_not_found", "'nowhere.to_be.found' was not found"),
        (json!({"bundle": "missing_module"}), "run", "module_not_found", "'community.nowhere.thing'"),
        (json!({"bundle": "nohosts"}), "run", "no_hosts_matched", "skipping: no hosts matched"),
        (json!({"bundle": "ping", "limit": "absent"}), "run", "no_hosts_matched", "absent"),
    ];
    let mut jobs = Vec::new();
    for (request, ..) in &cases {
        jobs.push(app.submit(request).await);
    }
    for (job, (request, phase, code, line)) in jobs.iter().zip(cases) {
        let path = format!("/v1/jobs/{}?wait={}", job["id"].as_str().expect("an id"), WAIT_LIMIT.as_secs());
        let job = app.get(&path, 200).await;
        assert_eq!(job["state"], "failed", "{job:#}");
        let reason = &job["reason"];
        assert_eq!((&reason["phase"], &reason["code"]), (&json!(phase), &json!(code)), "{request}: {job:#}");
        let message = reason["message"].as_str().expect("text");
        assert!(message.contains("\nhint: "), "what helps: {message}");
        let last_lines = reason["last_lines"].as_array().expect("lines");
        let is_reported = last_lines.iter().any(|last| last.as_str().is_some_and(|last| last.contains(line)));
        assert!(is_reported, "`{line}` is not in {last_lines:#?}");
        assert_eq!((&job["failures"], &job["stats"]), (&json!([]), &json!({})));
    }
}

#[tokio::test]
async fn a_missing_inventory_fails_the_job_before_ansible_is_started() {
    let app = TestApp::new();
    let job = app.run(&json!({"bundle": "ping", "inventory": "hots"})).await;
    assert_eq!(job["state"], "failed");
    let reason = &job["reason"];
    assert_eq!((&reason["phase"], &reason["code"]), (&json!("prepare"), &json!("inventory_not_found")));
    assert_eq!(reason["message"], "unknown inventory `hots`\nhint: there is `hosts`");
    assert_eq!((&job["rc"], &job["attempt"]), (&json!(null), &json!(1)));
    let kinds: Vec<_> = job.events().await.iter().map(|event| event["kind"].clone()).collect();
    assert_eq!(kinds, ["job_state", "job_state", "job_state"]);
}

#[tokio::test]
async fn an_unreadable_inventory_is_reported() {
    let app = TestApp::new();
    app.write("inventory/broken.yml", "all:\n  hosts: [this is: not\n");
    let job = app.run(&json!({"bundle": "ping", "inventory": "broken"})).await;
    assert_eq!(job["state"], "failed", "{job:#}");
    assert_eq!(job["reason"]["code"], "inventory_invalid", "{job:#}");
}

#[tokio::test]
async fn a_setting_allows_variables_of_the_connection() {
    let app = Setup::new().set("RANGEHAND__RUNS__ALLOW_CONNECTION_VARS", "true").start();
    let vars = json!({"ansible_connection": "local"});
    let job = app
        .run(&json!({"bundle": "ping", "inventory": "unreachable", "limit": "absent", "extra_vars": vars}))
        .await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    assert_eq!(job.results().await["ping"], json!([{"host": "absent", "reply": "pong"}]));
}
