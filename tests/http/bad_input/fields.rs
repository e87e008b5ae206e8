//! Fields that are unknown, of the wrong type, out of range, or not allowed.

use serde_json::{Value, json};
use testkit::TestApp;

use super::{assert_nothing_was_run, faults, refused};

#[tokio::test]
async fn an_unknown_field_is_reported_with_the_nearest_name() {
    let app = TestApp::without_ansible();
    for (field, nearest) in [
        ("tgas", Some("`tags`")),
        ("extra_var", Some("`extra_vars`")),
        ("Limit", Some("`limit`")),
        ("timeout", Some("`timeout_s`")),
        ("become", None),
    ] {
        let problem = refused(&app, &json!({"bundle": "ping", field: null}), 422).await;
        assert_eq!(faults(&problem), [(field, "unknown_field")]);
        let message = problem["errors"][0]["message"].as_str().expect("text");
        assert!(message.contains(nearest.unwrap_or("playbook, bundle, scenario")), "{field}: {message}");
        assert!(problem["detail"].as_str().is_some_and(|text| text.contains(field)), "{problem:#}");
    }
    assert_nothing_was_run(&app).await;
}

#[tokio::test]
async fn a_field_of_the_wrong_type_or_range_is_reported() {
    let app = TestApp::without_ansible();
    let long = "a".repeat(5000);
    let cases: &[(&str, Value, &str)] = &[
        ("playbook", json!(7), "wrong_type"),
        ("bundle", json!(["ping"]), "wrong_type"),
        ("scenario", json!({}), "wrong_type"),
        ("inventory", json!(true), "wrong_type"),
        ("limit", json!(["localhost"]), "wrong_type"),
        ("limit", json!(""), "invalid_value"),
        ("limit", json!("-vvvv"), "invalid_value"),
        ("limit", json!("localhost,--list-hosts"), "invalid_value"),
        ("limit", json!("@/etc/passwd"), "invalid_value"),
        ("limit", json!("a\tb"), "invalid_value"),
        ("limit", json!("{{ lookup('pipe', 'id') }}"), "invalid_value"),
        ("limit", json!(long), "invalid_value"),
        ("tags", json!(1), "wrong_type"),
        ("tags", json!(["one", 2]), "wrong_type"),
        ("tags", json!("--list-tasks"), "invalid_value"),
        ("tags", json!(""), "invalid_value"),
        ("skip_tags", json!(["a b"]), "invalid_value"),
        ("skip_tags", json!(false), "wrong_type"),
        ("extra_vars", json!([]), "wrong_type"),
        ("extra_vars", json!("a=b"), "wrong_type"),
        ("check", json!("yes"), "wrong_type"),
        ("check", json!(1), "wrong_type"),
        ("diff", json!("true"), "wrong_type"),
        ("verbosity", json!(6), "out_of_range"),
        ("verbosity", json!(-1), "wrong_type"),
        ("verbosity", json!("1"), "wrong_type"),
        ("forks", json!(0), "out_of_range"),
        ("forks", json!(501), "out_of_range"),
        ("forks", json!(2.5), "wrong_type"),
        ("timeout_s", json!(0), "out_of_range"),
        ("timeout_s", json!(604_801), "out_of_range"),
        ("timeout_s", json!("60"), "wrong_type"),
    ];
    for (field, value, code) in cases {
        let mut request = json!({"bundle": "ping"});
        request[field] = value.clone();
        let problem = refused(&app, &request, 422).await;
        assert_eq!(faults(&problem), [(*field, *code)], "{request}");
    }
    assert_nothing_was_run(&app).await;
}

#[tokio::test]
async fn all_faults_of_a_request_are_reported_in_one_reply() {
    let app = TestApp::without_ansible();
    let request = json!({
        "bundle": "ping", "limit": "-v", "tags": 7, "skip_tags": ["a b"], "check": "yes", "verbosity": 9,
        "forks": 0, "timeout_s": 1.5, "extra_vars": {"ansible_host": "x"}, "tgas": "x", "diff": null,
    });
    let problem = refused(&app, &request, 422).await;
    let mut found = faults(&problem);
    found.sort_unstable();
    let expected = [
        ("check", "wrong_type"),
        ("extra_vars.ansible_host", "invalid_variable"),
        ("forks", "out_of_range"),
        ("limit", "invalid_value"),
        ("skip_tags", "invalid_value"),
        ("tags", "wrong_type"),
        ("tgas", "unknown_field"),
        ("timeout_s", "wrong_type"),
        ("verbosity", "out_of_range"),
    ];
    assert_eq!(found, expected);
    assert_nothing_was_run(&app).await;
}

#[tokio::test]
async fn a_request_names_exactly_one_thing_to_run() {
    let app = TestApp::without_ansible();
    for (request, code) in [
        (json!({}), "missing"),
        (json!({"inventory": "hosts"}), "missing"),
        (json!({"bundle": null, "playbook": null}), "missing"),
        (json!({"bundle": "ping", "playbook": "ping"}), "too_many"),
        (json!({"bundle": "ping", "scenario": "demo_lab"}), "too_many"),
    ] {
        let problem = refused(&app, &request, 422).await;
        assert_eq!(faults(&problem), [("playbook", code)], "{request}");
    }
    for body in [json!([]), json!("ping"), json!(1), Value::Null] {
        let problem = refused(&app, &body, 422).await;
        assert_eq!(faults(&problem), [("", "wrong_type")], "{body}");
        assert!(
            problem["detail"].as_str().is_some_and(|text| text.starts_with("the body is ")),
            "{problem:#}"
        );
    }
    assert_nothing_was_run(&app).await;
}

#[tokio::test]
async fn variables_that_ansible_would_obey_are_refused() {
    let app = TestApp::without_ansible();
    let mut deep = json!("x");
    for _ in 0..40 {
        deep = json!([deep]);
    }
    let cases = [
        (json!({"ansible_host": "10.0.0.1"}), "ansible_host"),
        (json!({"ansible_connection": "ssh"}), "ansible_connection"),
        (json!({"ansible_python_interpreter": "/tmp/x"}), "ansible_python_interpreter"),
        (json!({"ansible_ssh_common_args": "-o ProxyCommand=id"}), "ansible_ssh_common_args"),
        (json!({"ansible_become_password": "x"}), "ansible_become_password"),
        (json!({"fine": 1, "ansible_user": "root"}), "ansible_user"),
        (json!({"__ansible_unsafe": "x"}), "__ansible_unsafe"),
        (json!({"a": {"b": {"__ansible_vault": "x"}}}), "a.b.__ansible_vault"),
        (json!({"a": [{"__ansible_unsafe": "x"}]}), "a.__ansible_unsafe"),
        (json!({"": 1}), ""),
        (json!({"1a": 1}), "1a"),
        (json!({"a-b": 1}), "a-b"),
        (json!({"a b": 1}), "a b"),
        (json!({"d\u{e9}j\u{e0}": 1}), "d\u{e9}j\u{e0}"),
        (json!({"deep": deep}), "deep"),
        (json!({"many": vec![0; 10_001]}), "many"),
    ];
    for (vars, key) in cases {
        let problem = refused(&app, &json!({"bundle": "ping", "extra_vars": vars}), 422).await;
        assert_eq!(faults(&problem), [(format!("extra_vars.{key}").as_str(), "invalid_variable")]);
    }
    assert_nothing_was_run(&app).await;
}
