//! Path traversal in every spelling, through every endpoint that takes a name.

use proptest::{
    prelude::*,
    test_runner::{Config, TestCaseError, TestRunner},
};
use serde_json::json;
use testkit::{Setup, TestApp, http};

use super::{assert_nothing_was_run, refused};

/// Files that a traversal would reach from below `playbooks/`, and their contents.
const BAIT: &[(&str, &str)] = &[
    ("outside/main.yml", "- name: BAIT\n  hosts: all\n  tasks: []\n"),
    ("bundles/ping/main.yml", "- name: BAIT\n  hosts: all\n  tasks: []\n"),
    ("playbooks/main.yml", "- name: BAIT\n  hosts: all\n  tasks: []\n"),
];

/// What must never be in an answer.
const CONTENTS: &[&str] = &["BAIT", "root:x:", "ansible_connection", "ansible_playbook_python"];

/// The endpoints with a name in their path: the method, and the text before and after the name.
const ENDPOINTS: &[(&str, &str, &str)] = &[
    ("GET", "/v1/catalog/playbooks/", ""),
    ("GET", "/v1/catalog/bundles/", ""),
    ("GET", "/v1/catalog/scenarios/", ""),
    ("GET", "/v1/catalog/inventories/", ""),
    ("POST", "/v0/admin/run/bundles/", "/run"),
    ("POST", "/v0/admin/run/scenarios/", "/run"),
];

const V0_BODY: &str = r#"{"proxmox_node": "", "hosts": "localhost"}"#;

fn app_with_bait() -> TestApp {
    let setup = Setup::without_ansible();
    for (path, content) in BAIT {
        setup.write(path, content);
    }
    setup.start()
}

/// Knocks at every door; each must refuse the name as a bad one.
fn refuses_everywhere(app: &TestApp, spelled: &str) -> Result<(), String> {
    for (method, before, after) in ENDPOINTS {
        let target = format!("{before}{spelled}{after}");
        let body = if *method == "POST" { V0_BODY } else { "" };
        let answer = http::send(app, method, &target, body);
        if answer.status != 400 {
            return Err(format!("{target} returns {}: {}", answer.status, answer.body));
        }
        if let Some(content) = CONTENTS.iter().find(|content| answer.body.contains(**content)) {
            return Err(format!("{target} shows {content}: {}", answer.body));
        }
    }
    Ok(())
}

#[tokio::test]
async fn no_spelling_in_a_path_climbs() {
    let app = app_with_bait();
    let long = "a".repeat(300);
    let overlong_climb = "../".repeat(1000) + "etc/passwd";
    for spelled in [
        "..",
        "../../outside",
        "%2e%2e/%2e%2e/outside",
        "%2E%2E%2F%2E%2E%2Foutside",
        "..%2f..%2foutside",
        ".%2e/outside",
        "%252e%252e%252foutside",
        "%25252e%25252e/outside",
        "%%32%65%%32%65/outside",
        "..\\..\\outside",
        "..%5c..%5coutside",
        "ping/..",
        "ping/../ping",
        "ping/%2e%2e/ping",
        "ping/.",
        "./ping",
        "....//outside",
        "..;/outside",
        "ping%00",
        "ping%00.yml",
        "..%00/outside",
        "ping%0a",
        "ping%0d%0aX-Evil:%201",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "//etc/passwd",
        "file:%2f%2f%2fetc%2fpasswd",
        "C:%5cwindows",
        "~root",
        "%c0%ae%c0%ae/outside",
        "%e0%80%ae%e0%80%ae/outside",
        "%ef%bc%8e%ef%bc%8e/outside",
        "%e2%80%a5/outside",
        "%e2%80%a6/outside",
        "%e2%88%95etc%e2%88%95passwd",
        "%u002e%u002e/outside",
        "p%ffing",
        &long,
        &overlong_climb,
    ] {
        refuses_everywhere(&app, spelled).unwrap_or_else(|wrong| panic!("{wrong}"));
    }
    assert_nothing_was_run(&app).await;
}

#[tokio::test]
async fn no_spelling_in_a_body_climbs() {
    let app = app_with_bait();
    let overlong_climb = "../".repeat(1000) + "etc/passwd";
    for text in [
        "..",
        "../../outside",
        "..\\..\\outside",
        "%2e%2e/outside",
        "ping/..",
        "ping/../ping",
        "ping/./main",
        "./ping",
        "....//outside",
        "..;/outside",
        "ping\0",
        "ping\0.yml",
        "/etc/passwd",
        "//etc/passwd",
        "file:///etc/passwd",
        "C:\\windows",
        "~/secrets",
        "$HOME/secrets",
        "\u{ff0e}\u{ff0e}/outside",
        "\u{2025}/outside",
        "\u{2026}/outside",
        "\u{2215}etc\u{2215}passwd",
        "ping\u{200b}",
        "\u{202e}gnip",
        "{{ playbook_dir }}",
        &overlong_climb,
    ] {
        for field in ["playbook", "bundle", "scenario", "inventory"] {
            let problem = refused(&app, &json!({field: text}), 400).await;
            assert_eq!(problem["code"], "bad_name", "{field}: {text:?}");
            let shown = problem.to_string();
            assert!(!CONTENTS.iter().any(|content| shown.contains(content)), "{shown}");
        }
    }
    assert_nothing_was_run(&app).await;
}

/// A climb somewhere in the name, spelled in any mixture.
fn climbing_name() -> impl Strategy<Value = String> {
    let pieces = |choices: &'static [&'static str], most| {
        prop::collection::vec(prop::sample::select(choices), 0..=most)
    };
    let climb =
        prop::sample::select(&["..", "%2e%2e", ".%2E", "%252e%252e", "..%00", "..;", "...", "%2e."][..]);
    let between = prop::sample::select(&["/", "%2f", "%2F", "\\", "%5C", "%252f", "//", "/./"][..]);
    let inside = pieces(&["ping", "/", "%2f", "bundles", "core/", "main.yml"], 4);
    let target = pieces(
        &[
            "..",
            "/",
            "%2f",
            "outside",
            "main.yml",
            "etc",
            "passwd",
            "inventory",
            "hosts.yml",
            "%00",
            "playbooks",
        ],
        8,
    );
    (inside, climb, between, target).prop_map(|(inside, climb, between, target)| {
        format!("{}{climb}{between}{}", inside.concat(), target.concat())
    })
}

#[tokio::test]
async fn no_mixture_of_spellings_climbs() {
    let app = app_with_bait();
    let mut runner = TestRunner::new(Config { cases: 150, failure_persistence: None, ..Config::default() });
    let outcome =
        runner.run(&climbing_name(), |name| refuses_everywhere(&app, &name).map_err(TestCaseError::fail));
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
    assert_nothing_was_run(&app).await;
}
