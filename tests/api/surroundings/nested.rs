//! Ansible that is started by a task of a run.

use serde_json::json;

use super::{EXECUTORS, with};

const INNER: &str = "\
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - ansible.builtin.debug:
        msg: from within
";

const OUTER: &str = "\
- hosts: localhost
  gather_facts: false
  tasks:
    - name: Call another playbook
      ansible.builtin.command: ansible-playbook -i localhost, inner.yml
      register: nested
    - name: Call it by a script
      ansible.builtin.script: call.sh
      register: script
    - name: Ask ad hoc
      ansible.builtin.command: ansible -i localhost, -c local localhost -m ansible.builtin.debug -a msg=adhoc
      register: adhoc
    - name: Ask the console
      ansible.builtin.shell: echo 'debug msg=console' | ansible-console -i localhost, -c local localhost
      register: console
    - name: Ask Galaxy
      ansible.builtin.command: ansible-galaxy collection list --format json -p collections
      register: galaxy
    - ansible.builtin.debug:
        var: lines
      vars:
        lines:
          nested: \"{{ nested.stdout }}\"
          nested_errors: \"{{ nested.stderr }}\"
          script: \"{{ script.stdout }}\"
          piped: \"{{ lookup('ansible.builtin.pipe', 'ansible-playbook -i localhost, inner.yml') }}\"
          adhoc: \"{{ adhoc.stdout }}\"
          console: \"{{ console.stdout }}\"
          galaxy: \"{{ galaxy.stdout }}\"
          environment: \"{{ lookup('ansible.builtin.pipe', 'env') }}\"
";

#[tokio::test]
async fn ansible_within_a_run_prints_plain_text() {
    for executor in EXECUTORS {
        let setup = with(executor);
        setup.write("playbooks/inner.yml", INNER);
        setup.write("playbooks/outer.yml", OUTER);
        setup.write("playbooks/call.sh", "#!/bin/sh\nexec ansible-playbook -i localhost, inner.yml\n");
        setup.write("playbooks/collections/.keep", "");
        let app = setup.start();
        let job = app.run(&json!({"playbook": "outer"})).await;
        assert_eq!(job["state"], "succeeded", "{executor}: {job:#}");
        let lines = job.results().await["lines"][0].clone();
        for name in ["nested", "piped", "script"] {
            let text = lines[name].as_str().expect("a text");
            assert!(text.contains("PLAY RECAP") && text.contains("from within"), "{executor} {name}: {text}");
        }
        assert!(
            lines["adhoc"].as_str().is_some_and(|text| text.contains("localhost | SUCCESS")),
            "{lines:#}"
        );
        assert!(lines["console"].as_str().is_some_and(|text| text.contains("console")), "{lines:#}");
        for (name, text) in lines.as_object().expect("texts") {
            let text = text.to_string();
            let is_plain = !text.contains("\\u001b") && !text.contains("Traceback") && !text.contains("awx");
            assert!(is_plain, "{executor} {name}: {text}");
        }
        let environment = lines["environment"].as_str().expect("a text");
        for name in
            ["AWX_", "RUNNER_", "MAX_EVENT_RES", "ANSIBLE_STDOUT", "ANSIBLE_CALLBACK", "ANSIBLE_CACHE"]
        {
            assert!(!environment.contains(name), "{executor} {name}: {environment}");
        }
    }
}

const TWICE: &str = "\
- hosts: localhost
  gather_facts: false
  tasks:
    - name: Call another playbook
      ansible.builtin.command: ansible-playbook -i localhost, ../inner.yml
      args:
        chdir: other
      register: nested
    - ansible.builtin.debug:
        var: nested.stdout
    - ansible.builtin.debug:
        var: seen
      vars:
        seen: \"{{ lookup('ansible.builtin.pipe', 'env') }}\"
";

/// Its own configuration counts for it, and so does what the operator passes on.
#[tokio::test]
async fn ansible_within_a_run_has_the_configuration_of_the_user() {
    for executor in EXECUTORS {
        let setup = with(executor)
            .set(
                "RANGEHAND__ANSIBLE__PASS_ENVIRONMENT",
                "HOME,ANSIBLE_CALLBACK_RESULT_FORMAT,ANSIBLE_STDOUT_CALLBACK",
            )
            .set("ANSIBLE_CALLBACK_RESULT_FORMAT", "yaml")
            .set("ANSIBLE_STDOUT_CALLBACK", "ansible.builtin.minimal");
        setup.write("playbooks/inner.yml", INNER);
        setup.write("playbooks/other/ansible.cfg", "[defaults]\nstdout_callback = ansible.builtin.oneline\n");
        setup.write("playbooks/twice.yml", TWICE);
        let app = setup.start();
        let job = app.run(&json!({"playbook": "twice"})).await;
        assert_eq!(job["state"], "succeeded", "{executor}: {job:#}");
        let results = job.results().await;
        let nested = results["nested.stdout"][0].as_str().expect("a text");
        // `minimal` of the environment takes precedence over `oneline` of the configuration, as without Rangehand.
        assert!(
            nested.contains("localhost | SUCCESS =>") && !nested.contains("PLAY RECAP"),
            "{executor}: {nested}"
        );
        let seen = results["seen"][0].as_str().expect("a text");
        assert!(seen.contains("ANSIBLE_STDOUT_CALLBACK=ansible.builtin.minimal"), "{executor}: {seen}");
        assert!(seen.contains("ANSIBLE_CALLBACK_RESULT_FORMAT=yaml"), "{executor}: {seen}");
    }
}
