//! Prompts in runs: there is no terminal, so each behaves as it does when standard input is closed.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::{Job, TestApp};

use super::{EXECUTORS, with};

/// Longer than any of these runs, and shorter than a prompt that waits.
const AT_ONCE: Duration = Duration::from_secs(90);

const ASKS: &str = "\
- name: Asks
  hosts: localhost
  gather_facts: false
  vars_prompt:
    - name: with_default
      prompt: With a default?
      default: taken
      private: false
    - name: hidden
      prompt: Hidden?
      default: behind
    - name: confirmed
      prompt: Twice?
      confirm: true
      default: same
      private: false
  tasks:
    - ansible.builtin.debug:
        var: answers
      vars:
        answers: [\"{{ with_default }}\", \"{{ hidden }}\", \"{{ confirmed }}\"]
    - name: Wait for the operator
      ansible.builtin.pause:
        prompt: Continue?
    - name: Wait in silence
      ansible.builtin.pause:
    - name: Wait a second
      ansible.builtin.pause:
        seconds: 1
        prompt: A second
    - ansible.builtin.debug:
        msg: after
";

async fn run(app: &TestApp, request: &Value) -> Job {
    let begun = Instant::now();
    let job = app.run(request).await;
    assert!(begun.elapsed() < AT_ONCE, "it waited for an answer: {job:#}");
    assert!(!job.log().await.is_empty(), "its log is empty: {job:#}");
    job
}

#[tokio::test]
async fn prompts_take_their_defaults_at_once() {
    for executor in EXECUTORS {
        let setup = with(executor);
        setup.write("playbooks/asks.yml", ASKS);
        let app = setup.start();
        let job = run(&app, &json!({"playbook": "asks"})).await;
        assert_eq!(job["state"], "succeeded", "{executor}: {job:#}");
        assert_eq!(job.results().await["answers"], json!([["taken", "behind", "same"]]));
        assert!(job.log().await.contains("after"), "{executor}");
        assert!(!json!(job.events().await).to_string().contains("\"default\":\"behind\""), "{executor}");
    }
}

#[tokio::test]
async fn a_request_answers_prompts_by_variables() {
    let setup = with("warm");
    setup.write("playbooks/asks.yml", ASKS);
    let app = setup.start();
    let request = json!({"playbook": "asks", "extra_vars": {"with_default": "given", "confirmed": "given too"},
                         "secret_vars": {"hidden": "answer-in-secret"}});
    let job = run(&app, &request).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    let answers = job.results().await["answers"].clone();
    assert_eq!((&answers[0][0], &answers[0][2]), (&json!("given"), &json!("given too")));
    assert!(!answers.to_string().contains("behind"), "{answers}");
}

/// There is no controlling terminal either, where `ssh` and `getpass` would prompt.
#[tokio::test]
async fn no_process_of_a_run_has_a_terminal_to_ask_at() {
    for executor in EXECUTORS {
        let setup = with(executor);
        setup.write(
            "playbooks/terminal.yml",
            "- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.shell: (exec < /dev/tty) 2> /dev/null || echo none
      register: opened
    - ansible.builtin.debug:
        var: found
      vars:
        found:
          task: \"{{ opened.stdout }}\"
          filter: \"{{ lookup('ansible.builtin.pipe', '(exec < /dev/tty) 2> /dev/null || echo none') }}\"
          input: \"{{ lookup('ansible.builtin.pipe', 'cat | wc -c') }}\"
",
        );
        let app = setup.start();
        let job = run(&app, &json!({"playbook": "terminal"})).await;
        let found = job.results().await["found"][0].clone();
        assert_eq!(found, json!({"task": "none", "filter": "none", "input": "0"}), "{executor}");
    }
}

#[tokio::test]
async fn a_debugger_ends_the_run_at_once_and_the_reason_says_why() {
    for executor in EXECUTORS {
        let setup = with(executor);
        for (name, keyword) in [("on_failed", "on_failed"), ("always", "always")] {
            setup.write(
                &format!("playbooks/{name}.yml"),
                &format!(
                    "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - name: Break\n      \
                     ansible.builtin.command: \"false\"\n      debugger: {keyword}\n"
                ),
            );
        }
        let app = setup.start();
        for name in ["on_failed", "always"] {
            let job = run(&app, &json!({"playbook": name})).await;
            assert_eq!((&job["state"], &job["rc"]), (&json!("failed"), &json!(99)), "{executor}: {job:#}");
            assert_eq!(job["reason"]["code"], "input_required", "{executor}: {job:#}");
            let message = job["reason"]["message"].as_str().expect("a text");
            assert!(message.contains("debugger") && message.contains("`Break`"), "{executor}: {message}");
        }
    }
}

#[tokio::test]
async fn a_debugger_of_the_environment_and_passwords_of_a_configuration_end_at_once() {
    for executor in EXECUTORS {
        let setup = with(executor)
            .set("RANGEHAND__ANSIBLE__PASS_ENVIRONMENT", "HOME,ANSIBLE_ENABLE_TASK_DEBUGGER")
            .set("ANSIBLE_ENABLE_TASK_DEBUGGER", "True");
        setup.write(
            "playbooks/fails.yml",
            "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - name: Break\n      ansible.builtin.command: \"false\"\n",
        );
        let app = setup.start();
        let job = run(&app, &json!({"playbook": "fails"})).await;
        assert_eq!(job["reason"]["code"], "input_required", "{executor}: {job:#}");

        for (setting, section, state) in [
            ("ask_pass = True", "defaults", "succeeded"),
            ("become_ask_pass = True", "privilege_escalation", "succeeded"),
            ("ask_vault_pass = True", "defaults", "failed"),
        ] {
            let setup = with(executor);
            setup.write("playbooks/ansible.cfg", &format!("[{section}]\n{setting}\n"));
            let app = setup.start();
            let job = run(&app, &json!({"playbook": "ping"})).await;
            assert_eq!(job["state"], state, "{executor} {setting}: {job:#}");
            if state == "failed" {
                assert_eq!(job["reason"]["code"], "vault_locked", "{executor} {setting}: {job:#}");
            }
        }
    }
}
