//! A job succeeds only if something ran, or was skipped by a condition, on at least one host.

use serde_json::{Value, json};

use super::{run_all, with_playbooks};

const NOTHING_OR_TAGGED: &str = "
- {name: Optional, hosts: spare, gather_facts: false, tasks: [{ansible.builtin.debug: {msg: x}}]}
- name: Main
  hosts: single
  gather_facts: false
  tasks: [{name: Only when asked, ansible.builtin.debug: {msg: y}, tags: [never, deploy]}]
";

#[tokio::test]
async fn a_run_that_did_nothing_is_no_success_for_any_cause() {
    let app = with_playbooks(&[
        ("tagged", NOTHING_OR_TAGGED),
        (
            "tagged_only",
            "- {hosts: single, gather_facts: false, tasks: [{ansible.builtin.debug: {msg: y}, tags: deploy}]}",
        ),
        (
            "with_facts",
            "- {hosts: single, gather_subset: '!all', tasks: [{ansible.builtin.debug: {msg: y}, tags: deploy}]}",
        ),
        ("only_facts", "- {hosts: single, gather_subset: '!all'}"),
        (
            "ended",
            "
- {hosts: spare, gather_facts: false, tasks: [{ansible.builtin.debug: {msg: x}}]}
- {hosts: single, gather_facts: false, tasks: [{ansible.builtin.meta: end_play}]}",
        ),
        (
            "only_meta",
            "- {hosts: single, gather_facts: false, tasks: [{ansible.builtin.meta: noop}, {ansible.builtin.meta: clear_facts, when: false}]}",
        ),
        ("empty", "- {hosts: single, gather_facts: false}"),
        ("none", "- {hosts: spare, gather_facts: false, tasks: [{ansible.builtin.debug: {msg: x}}]}"),
        (
            "skipped",
            "- {hosts: single, gather_facts: false, tasks: [{ansible.builtin.debug: {msg: x}, when: false}]}",
        ),
        ("importing", "- {import_playbook: only_facts.yml, when: false}"),
        (
            "optional",
            "
- {hosts: spare, gather_facts: false, tasks: [{ansible.builtin.debug: {msg: x}}]}
- {hosts: pair, gather_facts: false, tasks: [{name: Work, ansible.builtin.debug: {msg: y}}]}",
        ),
        (
            "including",
            "- {hosts: single, gather_facts: false, tasks: [{ansible.builtin.include_tasks: steps/more.yml, tags: deploy}]}",
        ),
        ("steps/more", "- {ansible.builtin.debug: {msg: inside}}"),
    ]);
    let (good, nothing, no_hosts) = ("succeeded", "nothing_to_do", "no_hosts_matched");
    let cases = [
        (json!({"playbook": "tagged"}), nothing),
        (json!({"playbook": "tagged", "tags": "deploy"}), good),
        (json!({"playbook": "tagged_only", "tags": "typo"}), nothing),
        (json!({"playbook": "tagged_only", "skip_tags": "deploy"}), nothing),
        (json!({"playbook": "with_facts", "tags": "typo"}), nothing),
        (json!({"playbook": "with_facts"}), good),
        (json!({"playbook": "only_facts"}), good),
        (json!({"playbook": "ended"}), nothing),
        (json!({"playbook": "only_meta"}), nothing),
        (json!({"playbook": "empty"}), nothing),
        (json!({"playbook": "none"}), no_hosts),
        (json!({"playbook": "skipped"}), good),
        (json!({"playbook": "skipped", "check": true}), good),
        (json!({"playbook": "importing"}), good),
        (json!({"playbook": "optional"}), good),
        (json!({"playbook": "optional", "limit": "one"}), good),
        (json!({"playbook": "optional", "limit": "single"}), no_hosts),
        (json!({"playbook": "optional", "start_at_task": "no such task"}), nothing),
        (json!({"playbook": "optional", "start_at_task": "Work"}), good),
        (json!({"playbook": "including", "tags": "deploy"}), nothing),
        (json!({"playbook": "including"}), good),
    ];
    let jobs = run_all(&app, cases.iter().map(|(request, _)| request.clone())).await;
    for (job, (request, code)) in jobs.iter().zip(cases) {
        let state = if code == good { "succeeded" } else { "failed" };
        assert_eq!(
            (&job["state"], &job["reason"]["code"]),
            (&json!(state), &json!(code)),
            "{request}: {job:#}"
        );
        assert_eq!(job["rc"], 0, "{request}");
        let message = job["reason"]["message"].as_str().expect("text");
        assert!(code == good || message.contains("\nhint: "), "what helps: {message}");
    }
}

#[tokio::test]
async fn errors_despite_a_good_exit_code_are_reported() {
    let app = with_playbooks(&[(
        "main",
        "- {hosts: pair, gather_facts: false, tasks: [{ansible.builtin.debug: {msg: y}}]}",
    )]);
    let jobs = run_all(
        &app,
        [
            json!({"playbook": "main", "limit": "one,nosuch"}),
            json!({"playbook": "main", "start_at_task": "no such task"}),
        ],
    )
    .await;
    let ignored = "Could not match supplied host pattern, ignoring: nosuch";
    let no_task = "No matching task \"no such task\" found.";
    for (job, state, said) in [(&jobs[0], "succeeded", ignored), (&jobs[1], "failed", no_task)] {
        assert_eq!(job["state"], state, "{job:#}");
        let events = job.events().await;
        let is_warning = |event: &&Value| {
            event["kind"] == "warning"
                && event["data"]["message"].as_str().is_some_and(|text| text.contains(said))
        };
        assert_eq!(events.iter().filter(is_warning).count(), 1, "{events:#?}");
    }
    assert!(
        jobs[0]["reason"]["message"].as_str().is_some_and(|text| text.contains(ignored)),
        "{:#}",
        jobs[0]
    );
    assert!(jobs[1]["reason"]["message"].as_str().is_some_and(|text| text.contains("`no such task`")));
}

#[tokio::test]
async fn statistics_that_a_playbook_sets_are_in_the_result() {
    let playbook = "
- hosts: pair
  gather_facts: false
  tasks:
    - ansible.builtin.set_stats: {data: {built: [\"{{ inventory_hostname }}\"], version: 7}}
    - ansible.builtin.set_stats: {per_host: true, data: {disk: \"{{ inventory_hostname }} is full\"}}
    - ansible.builtin.set_stats: {aggregate: false, data: {last: 1}}
";
    let app = with_playbooks(&[("stats", playbook)]);
    let job = run_all(&app, [json!({"playbook": "stats"})]).await.remove(0);
    let result = super::result(&app, &job).await;
    let mut stats = result["custom_stats"].clone();
    // Hosts may end a task in any order.
    let built = stats["run"]["built"].as_array_mut().expect("a list");
    built.sort_by_key(Value::to_string);
    assert_eq!(stats["run"], json!({"built": ["one", "two"], "version": 14, "last": 1}), "{result:#}");
    assert_eq!(stats["hosts"], json!({"one": {"disk": "one is full"}, "two": {"disk": "two is full"}}));
}
