//! What the events of a run contain, and what they must never contain.

use std::fs;

use serde_json::{Value, json};
use testkit::{Setup, TestApp, generated_secret};

/// Everything that was kept of the jobs of this service: the database and the service's log, as text.
fn kept(app: &TestApp) -> String {
    let files = ["var/rangehand.db", "var/rangehand.db-wal", "service.log"];
    let bytes = files.map(|file| fs::read(app.home().join(file)).unwrap_or_default()).concat();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn the_arguments_of_modules_are_in_no_event_at_any_verbosity() {
    let app = TestApp::new();
    for (bundle, verbosity) in [("failing", 0), ("failing", 3), ("failing", 5), ("jinja", 5), ("ignored", 4)]
    {
        let request = json!({
            "bundle": bundle, "limit": "localhost", "verbosity": verbosity, "extra_vars": {"vm_ids": [1, 2]},
        });
        let job = app.run(&request).await;
        assert!(job["rc"].is_number(), "{job:#}");
        for event in job.events().await {
            assert!(!event.to_string().contains("invocation"), "{bundle} at {verbosity}: {event:#}");
        }
    }
    assert!(!kept(&app).contains("invocation"));
}

/// Results that tasks print are printed in another shape then, and a registered result is printed inside another.
#[tokio::test]
async fn the_arguments_of_modules_are_in_no_event_when_results_are_printed_as_yaml() {
    for format in ["json", "yaml"] {
        let app = Setup::new()
            .set("RANGEHAND__ANSIBLE__ENVIRONMENT__ANSIBLE_CALLBACK_RESULT_FORMAT", format)
            .start();
        app.write(
            "playbooks/bundles/registered/main.yml",
            "- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.command: {argv: [printf, 'one\\n\\n  two\\n']}
      loop: [1, 2]
      register: answer
    - ansible.builtin.debug: {var: answer}
",
        );
        let request = json!({"bundle": "registered", "limit": "localhost", "verbosity": 3});
        let job = app.run(&request).await;
        assert_eq!(job["state"], "succeeded", "{job:#}");
        let events = job.events().await;
        assert!(
            events.iter().all(|event| !event.to_string().contains("invocation")),
            "{format}: {events:#?}"
        );
        // Nothing else is missing from what was printed.
        assert!(job.log().await.contains("stdout_lines"));
        assert_eq!(job.results().await["answer"][0]["results"][1]["stdout"], "one\n\n  two");
    }
}

#[tokio::test]
async fn an_api_token_in_a_header_is_kept_nowhere() {
    let app = TestApp::new();
    let token = generated_secret();
    app.write(
        "playbooks/bundles/token/main.yml",
        &format!(
            "- name: Token
  hosts: all
  gather_facts: false
  tasks:
    - name: Call an API that does not exist
      ansible.builtin.uri:
        url: https://127.0.0.1:1/api2/json/version
        headers:
          Authorization: PVEAPIToken=user@pam!id={token}
        validate_certs: false
      ignore_errors: true

    - name: The same in a loop
      ansible.builtin.uri:
        url: \"https://127.0.0.1:{{{{ item }}}}/\"
        headers: {{Authorization: \"PVEAPIToken=user@pam!id={token}\"}}
      loop: [1, 2]
      ignore_errors: true
"
        ),
    );
    for verbosity in [0, 4, 5] {
        let job = app.run(&json!({"bundle": "token", "limit": "localhost", "verbosity": verbosity})).await;
        assert_eq!(job["state"], "succeeded", "{job:#}");
        assert_eq!(job["stats"]["localhost"]["ignored"], 2);
        assert!(!job.to_string().contains(&token));
        assert!(!Value::from(job.events().await).to_string().contains(&token), "in the events");
        assert!(!job.log().await.contains(&token), "in the log of the job");
    }
    assert!(!kept(&app).contains(&token), "in the database or the service's log");
}

#[tokio::test]
async fn an_event_larger_than_the_limit_is_replaced_and_the_run_continues() {
    let app = Setup::new().set("RANGEHAND__RUNS__EVENT_MAX_BYTES", "65536").start();
    let vars = json!({"chunks": 2, "chunk_lines": 10_000});
    let job = app.run(&json!({"bundle": "flood", "limit": "localhost", "extra_vars": vars})).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    assert_eq!(job.results().await["flood"], json!([{"lines": 20_000}]));
    let events = job.events().await;
    let replaced: Vec<_> = events.iter().filter(|event| event["kind"] == "oversized_event").collect();
    assert!(replaced.len() >= 2, "{}", replaced.len());
    for event in &replaced {
        assert!(event["data"]["bytes"].as_u64().expect("a number") > 65536, "{event:#}");
    }
    assert!(events.iter().all(|event| event.to_string().len() < 2 * 65536));
    let numbers: Vec<_> = events.iter().map(|event| event["seq"].as_u64().expect("a number")).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
}
