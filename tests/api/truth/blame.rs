//! Which task caused a failure, and its message.

use serde_json::{Value, json};

use super::{result, run_all, with_playbooks};

/// The tasks of a play on the host `single`, and what follows them.
fn play(tasks: &str) -> String {
    format!("- hosts: single\n  gather_facts: false\n  tasks:\n{tasks}")
}

const NESTED: &str = "    - name: Upgrade
      block:
        - {name: Install the release, ansible.builtin.fail: {msg: the release is broken}}
      always:
        - block:
            - {name: Unmount the scratch disk, ansible.builtin.fail: {msg: it was not mounted anyway}}
          rescue:
            - {name: Never mind, ansible.builtin.debug: {msg: fine}}
";

const DEEP: &str = "    - block:
        - {name: A, ansible.builtin.fail: {msg: a}}
      rescue:
        - block:
            - {name: B, ansible.builtin.fail: {msg: b}}
          rescue:
            - {name: C, ansible.builtin.debug: {msg: c}}
        - {name: D, ansible.builtin.fail: {msg: d}}
      always:
        - {name: E, ansible.builtin.fail: {msg: e}, ignore_errors: true}
        - block:
            - {name: F, ansible.builtin.command: /bin/false, register: r, until: r is succeeded, retries: 1, delay: 0}
          rescue:
            - {name: G, ansible.builtin.debug: {msg: g}}
";

const CLEARED: &str = "    - block:
        - {name: A, ansible.builtin.fail: {msg: a}}
      always:
        - ansible.builtin.meta: clear_host_errors
    - {name: B, ansible.builtin.fail: {msg: b}, when: fails | default(true)}
";

const HANDLER: &str = "    - block:
        - {name: A, ansible.builtin.fail: {msg: a}}
      rescue:
        - {name: R, ansible.builtin.debug: {msg: r}, changed_when: true, notify: H}
    - {name: Include, ansible.builtin.include_tasks: steps/failing.yml, ignore_errors: true, loop: [1, 2], loop_control: {loop_var: nr}}
  handlers:
    - {name: H, ansible.builtin.fail: {msg: h}}
";

#[tokio::test]
async fn the_task_that_counted_is_to_blame_at_any_nesting() {
    let app = with_playbooks(&[
        ("nested", &play(NESTED)),
        ("deep", &play(DEEP)),
        ("cleared", &play(CLEARED)),
        ("handler", &play(HANDLER)),
        ("steps/failing", "- {name: I, ansible.builtin.fail: {msg: i}, ignore_errors: true}"),
    ]);
    // The tasks that failed, the one that is blamed, and the numbers of the recap: failed, rescued, ignored.
    let cases = [
        ("nested", json!({}), vec!["Install the release"], "Install the release", (1, 1, 0)),
        ("deep", json!({}), vec!["D"], "D", (1, 3, 1)),
        ("cleared", json!({}), vec!["A", "B"], "B", (2, 0, 0)),
        ("cleared", json!({"fails": false}), vec!["A"], "cleared by the playbook", (1, 0, 0)),
        ("handler", json!({}), vec!["H"], "H", (1, 1, 2)),
    ];
    let requests = cases.iter().map(|(name, vars, ..)| json!({"playbook": name, "extra_vars": vars}));
    let jobs = run_all(&app, requests).await;
    for (job, (name, _, tasks, blamed, counts)) in jobs.iter().zip(cases) {
        let failures = job["failures"].as_array().expect("failures");
        let failed: Vec<_> = failures.iter().filter_map(|failure| failure["task"].as_str()).collect();
        assert_eq!(failed, tasks, "{name}: {job:#}");
        let stats = &job["stats"]["single"];
        assert_eq!(
            (&stats["failed"], &stats["rescued"], &stats["ignored"]),
            (&json!(counts.0), &json!(counts.1), &json!(counts.2)),
            "{name}"
        );
        let message = job["reason"]["message"].as_str().expect("text");
        let is_named = message.contains(&format!("task `{blamed}` failed")) || message.contains(blamed);
        assert!(is_named, "{name}: {message}");
        assert_eq!(job["state"] == "succeeded", job["rc"] == 0, "{name}: {job:#}");
        let timing = app.get(&format!("/v1/jobs/{}/timing", job["id"].as_str().expect("an id")), 200).await;
        let sum = |what: &str| -> u64 {
            let tasks = timing["tasks"].as_array().expect("tasks");
            tasks.iter().filter_map(|task| task[what].as_u64()).sum()
        };
        assert_eq!((sum("failed"), sum("rescued"), sum("ignored")), counts, "{name}: {timing:#}");
    }
}

#[tokio::test]
async fn a_failure_has_a_message_in_every_place_where_ansible_puts_it() {
    let task = |task: &str| play(&format!("    - {{name: T, {task}}}\n"));
    let cases = [
        ("ansible.builtin.include_tasks: steps/nowhere.yml", "steps/nowhere.yml", "task_failed"),
        (
            "ansible.builtin.include_role: {name: nowhere}",
            "the role 'nowhere' was not found",
            "role_not_found",
        ),
        ("ansible.builtin.include_vars: nowhere.yml", "Could not find or access", "task_failed"),
        ("ansible.builtin.fail: {msg: [first, second]}", "first\nsecond", "task_failed"),
        ("ansible.builtin.fail: {msg: {a: b}}", r#"{"a":"b"}"#, "task_failed"),
        (
            "ansible.builtin.command: echo out, failed_when: true",
            "failed by its `failed_when` condition: out",
            "task_failed",
        ),
        (
            "ansible.builtin.include_tasks: 'no-{{ nr }}.yml', loop: [1, 2], loop_control: {loop_var: nr}",
            "no-1.yml",
            "task_failed",
        ),
        ("nowhere.at.all: {}", "nowhere.at.all", "module_not_found"),
        ("ansible.builtin.import_tasks: steps/broken.yml", "YAML parsing failed", "playbook_invalid"),
    ];
    let names: Vec<String> = (0..cases.len()).map(|number| format!("case{number}")).collect();
    let app = with_playbooks(&[("steps/broken", "- nothing: {")]);
    for (name, (text, ..)) in names.iter().zip(&cases) {
        app.write(&format!("playbooks/{name}.yml"), &task(text));
    }
    let jobs = run_all(&app, names.iter().map(|name| json!({"playbook": name}))).await;
    for (job, (text, message, code)) in jobs.iter().zip(cases) {
        assert_eq!(
            (&job["state"], &job["reason"]["code"]),
            (&json!("failed"), &json!(code)),
            "{text}: {job:#}"
        );
        let reason = job["reason"]["message"].as_str().expect("text");
        assert!(reason.contains(message), "{text}: {reason}");
        for failure in job["failures"].as_array().expect("failures") {
            assert_ne!(failure["message"], "", "{text}");
        }
    }
    assert_eq!(jobs[6]["failures"][0]["item"], "1", "{:#}", jobs[6]);
}

#[tokio::test]
async fn a_failed_item_is_named_under_any_loop_variable() {
    let playbook = "
- hosts: pair
  gather_facts: false
  tasks:
    - name: Start each machine
      ansible.builtin.fail: {msg: no room}
      when: vm.size > 1
      loop: [{name: alpha, size: 1}, {name: beta, size: 2}]
      loop_control: {loop_var: vm, label: '{{ vm.name }}'}
";
    let app = with_playbooks(&[("items", playbook)]);
    let job = run_all(&app, [json!({"playbook": "items"})]).await.remove(0);
    let failures: &Value = &result(&app, &job).await["failures"];
    let items: Vec<_> =
        failures.as_array().expect("failures").iter().map(|failure| &failure["item"]).collect();
    assert_eq!(items, [r#"{"name":"beta","size":2}"#, r#"{"name":"beta","size":2}"#], "{failures:#}");
}
