//! A job has a warning for everything that it omits, overrides, or terminates.

use serde_json::{Value, json};

use super::{EXECUTORS, with};

/// Each warning's code, and what it is about.
fn codes(job: &Value) -> Vec<(String, String)> {
    let of = |warning: &Value| {
        assert!(warning["message"].as_str().is_some_and(|text| !text.is_empty()), "{warning:#}");
        assert!(warning["event"].is_u64(), "{warning:#}");
        let subject = ["name", "setting", "task"].iter().find_map(|name| warning[*name].as_str());
        (warning["code"].as_str().expect("a code").to_owned(), subject.unwrap_or_default().to_owned())
    };
    job["warnings"].as_array().expect("a list").iter().map(of).collect()
}

const NOISY: &str = "\
- hosts: localhost
  gather_facts: false
  vars_prompt:
    - {name: region, prompt: Where?, default: eu, private: false}
    - {name: token, prompt: Token?}
    - {name: given, prompt: Given?}
  tasks:
    - name: Continue?
      ansible.builtin.pause:
        prompt: Continue?
    - name: Stay
      ansible.builtin.shell: setsid sleep 600 > /dev/null 2>&1 < /dev/null &
";

const CONFIGURATION: &str = "\
[defaults]
stdout_callback = ansible.builtin.oneline
fact_caching = jsonfile
fact_caching_connection = /tmp/facts
host_key_checking = False
retry_files_enabled = False
log_path = run.log
";

#[tokio::test]
async fn a_job_warns_of_prompts_settings_and_processes() {
    for executor in EXECUTORS {
        let setup = with(executor);
        setup.write("playbooks/noisy.yml", NOISY);
        setup.write("playbooks/ansible.cfg", CONFIGURATION);
        let app = setup.start();
        let job = app.run(&json!({"playbook": "noisy", "extra_vars": {"given": "x"}})).await;
        assert_eq!(job["state"], "succeeded", "{executor}: {job:#}");
        let path = format!("/v1/jobs/{}", job["id"].as_str().expect("an id"));
        let looked_up = app.get(&path, 200).await;
        assert_eq!(looked_up["warnings"], job["warnings"], "{executor}");
        // A fork of Ansible is no program that a sandbox could execute.
        let found: Vec<_> = codes(&job).into_iter().filter(|(code, _)| code != "executor_fallback").collect();
        let expected = [
            ("setting_overridden", "fact_caching_connection"),
            ("setting_overridden", "stdout_callback"),
            ("setting_overridden", "host_key_checking"),
            ("setting_overridden", "log_path"),
            ("prompt_unanswered", "region"),
            ("prompt_unanswered", "token"),
            ("prompt_unanswered", "Continue?"),
            ("processes_ended", ""),
        ]
        .map(|(code, subject)| (code.to_owned(), subject.to_owned()));
        assert_eq!(found, expected, "{executor}");
        let used: Vec<_> = job["warnings"]
            .as_array()
            .expect("a list")
            .iter()
            .filter(|warning| warning["name"].is_string())
            .map(|warning| warning["used"].clone())
            .collect();
        assert_eq!(used, ["default", "nothing"], "{executor}");
        let ended = &job["warnings"].as_array().expect("a list").last().expect("one")["names"];
        assert_eq!(ended, &json!(["sleep"]), "{executor}");
    }
}

#[tokio::test]
async fn an_ordinary_job_has_no_warnings() {
    for executor in EXECUTORS {
        let app = with(executor).start();
        let job = app.run(&json!({"playbook": "ping", "limit": "localhost"})).await;
        assert_eq!(
            (&job["state"], &job["warnings"]),
            (&json!("succeeded"), &json!(null)),
            "{executor}: {job:#}"
        );
    }
}
