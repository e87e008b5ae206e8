//! The results contain exactly what a playbook showed.

use serde_json::json;

use super::{run_all, with_playbooks};

const LOOPS: &str = "
- hosts: single
  gather_facts: false
  vars:
    vms: [{name: alpha, size: 1}, {name: beta, size: 2}]
    colour: green
  tasks:
    - ansible.builtin.debug: {var: colour}
      loop: '{{ vms }}'
      loop_control: {loop_var: vm, index_var: position, extended: true, label: '{{ vm.name }}'}
    - ansible.builtin.debug: {var: item}
      loop: [one, two]
    - ansible.builtin.debug: {var: thing}
      loop: [three, four]
      loop_control: {loop_var: thing}
    - ansible.builtin.debug: {var: msg}
      vars: {msg: [a, b]}
    - ansible.builtin.debug: {var: 'vms[0].name'}
    - ansible.builtin.debug: {var: '{{ which }}'}
      loop: [colour]
      loop_control: {loop_var: which}
    - ansible.builtin.debug: {msg: for people}
    - ansible.builtin.include_tasks: steps/inner.yml
      loop: [x, y]
      loop_control: {loop_var: outer}
";

#[tokio::test]
async fn results_are_exactly_the_variables_that_were_shown() {
    let inner = "
- ansible.builtin.debug: {var: outer}
  loop: [1, 2]
  loop_control: {loop_var: inner, index_var: at}
";
    let app = with_playbooks(&[("loops", LOOPS), ("steps/inner", inner)]);
    let job = run_all(&app, [json!({"playbook": "loops"})]).await.remove(0);
    let expected = json!({
        "colour": ["green", "green", "green"],
        "item": ["one", "two"],
        "thing": ["three", "four"],
        "msg": [["a", "b"]],
        "vms[0].name": ["alpha"],
        "outer": ["x", "x", "y", "y"],
    });
    assert_eq!(job.results().await, expected, "{job:#}");
}

#[tokio::test]
async fn numbers_are_kept_exactly_or_refused() {
    let playbook = "
- hosts: single
  gather_facts: false
  tasks:
    - ansible.builtin.debug: {var: kept}
    - ansible.builtin.debug: {var: large}
      vars: {large: '{{ 10 ** 22 + 1 }}'}
    - ansible.builtin.set_fact: {facts: {deep: ['{{ -(10 ** 25) - 7 }}']}}
    - ansible.builtin.debug: {var: facts}
    - ansible.builtin.assert: {that: [kept.a == 0.1, kept.b == 18446744073709551615, kept.c == -9223372036854775808]}
";
    let app = with_playbooks(&[("numbers", playbook)]);
    let kept = r#"{"a":0.1,"b":18446744073709551615,"c":-9223372036854775808,"d":-0.0,"e":1e+300,"f":5e-324,"g":1.7976931348623157e308}"#;
    let kept: serde_json::Value = serde_json::from_str(kept).expect("JSON");
    let job = run_all(&app, [json!({"playbook": "numbers", "extra_vars": {"kept": kept}})]).await.remove(0);
    assert_eq!(job["state"], "succeeded", "{job:#}");
    let results = job.results().await;
    assert_eq!(results["kept"][0].to_string(), kept.to_string());
    // As text, because a number in JSON would be rounded by most that read it.
    assert_eq!(results["large"], json!(["10000000000000000000001"]));
    assert_eq!(results["facts"], json!([{"deep": ["-10000000000000000000000007"]}]));

    for number in ["12345678901234567890123", "-9223372036854775809", "1e400", "1e-400"] {
        let body = format!(r#"{{"playbook": "numbers", "extra_vars": {{"kept": {{"big": [{number}]}}}}}}"#);
        let request = reqwest::Client::new().post(format!("{}/v1/jobs", app.address()));
        let answer =
            request.header("content-type", "application/json").body(body).send().await.expect("an answer");
        assert_eq!(answer.status(), 422, "{number}");
        let problem: serde_json::Value = answer.json().await.expect("JSON");
        assert_eq!(problem["errors"][0]["field"], "extra_vars.kept.big", "{problem:#}");
        assert_eq!(problem["errors"][0]["code"], "out_of_range");
    }
}
