//! The replies of runs: `{"rc", "log_multiline"}`, and `error` after a failure.

use serde_json::{Value, json};
use testkit::{Setup, TestApp};

use super::{PING, ROUTES, on_localhost, post};

/// Runs to the end, checks the job behind the reply, and returns the reply.
async fn reply(app: &TestApp, path: &str, body: &Value, status: u16) -> Value {
    let response = post(app, path, body).await;
    let header = response.headers().get("x-rangehand-job").cloned();
    let (found, text) = (response.status(), response.text().await.expect("text"));
    assert_eq!(found, status, "{path}: {text}");
    let header = header.expect("the job's id");
    let job = app.get(&format!("/v1/jobs/{}", header.to_str().expect("text")), 200).await;
    assert_eq!(job["state"], if status == 200 { "succeeded" } else { "failed" }, "{job:#}");
    let reply: Value = serde_json::from_str(&text).expect("JSON");
    let members: Vec<_> = reply.as_object().expect("an object").keys().collect();
    assert_eq!(
        members,
        if status == 200 { &["rc", "log_multiline"][..] } else { &["rc", "log_multiline", "error"] }
    );
    reply
}

fn log(reply: &Value) -> Vec<&str> {
    reply["log_multiline"]
        .as_array()
        .expect("lines")
        .iter()
        .map(|line| line.as_str().expect("text"))
        .collect()
}

/// The hosts of the recap.
fn recap(reply: &Value) -> Vec<&str> {
    let lines = log(reply).into_iter().skip_while(|line| !line.starts_with("PLAY RECAP")).skip(1);
    lines.filter_map(|line| line.split_whitespace().next()).collect()
}

#[tokio::test]
async fn each_route_runs_and_replies_with_the_log() {
    let app = TestApp::new();
    for route in ROUTES {
        let reply = reply(&app, route, &on_localhost(), 200).await;
        assert_eq!(reply["rc"], 0);
        let lines = log(&reply);
        assert!(lines[0].starts_with("PLAY ["), "no blank line at the start: {lines:#?}");
        assert!(lines.iter().all(|line| !line.contains(['\n', '\u{1b}'])), "{lines:#?}");
        assert_eq!(recap(&reply), ["localhost"], "{lines:#?}");
        let last = lines.last().expect("a line");
        assert!(last.ends_with("ignored=0"), "trimmed at the end: {last:?}");
    }
    let jobs = app.get("/v1/jobs", 200).await;
    let jobs: Vec<_> = jobs["items"].as_array().expect("items").iter().map(|job| &job["request"]).collect();
    let request = |kind: &str, name: &str, operation: &str| {
        json!({
            kind: name, "inventory": "hosts", "limit": "localhost", "extra_vars": {"proxmox_node": "px-testing"},
            "check": false, "diff": false, "verbosity": 0, "labels": {"operation": operation},
        })
    };
    let asked = [
        request("scenario", "demo_lab", "run_scenario"),
        request("bundle", "ping", "run_bundle"),
        request("playbook", "ping", "debug_ping"),
    ];
    assert_eq!(jobs, asked.iter().collect::<Vec<_>>());
}

#[tokio::test]
async fn hosts_limit_the_run_and_null_is_no_limit() {
    let app = Setup::new().set("RANGEHAND__ANSIBLE__DEFAULT_INVENTORY", "trio").start();
    for (hosts, reached) in [
        (json!("node-b"), &["node-b"][..]),
        (json!("trio"), &["node-a", "node-b", "node-c"]),
        (Value::Null, &["node-a", "node-b", "node-c"]),
    ] {
        let reply = reply(&app, PING, &json!({"proxmox_node": "", "hosts": hosts}), 200).await;
        assert_eq!(recap(&reply), reached, "{hosts}");
    }
    let jobs = app.get("/v1/jobs", 200).await;
    let request = &jobs["items"][0]["request"];
    assert_eq!(
        (&request["limit"], &request["extra_vars"]),
        (&Value::Null, &Value::Null),
        "an empty node means no node"
    );
}

#[tokio::test]
async fn as_json_makes_no_difference() {
    let app = TestApp::new();
    for word in [json!(true), json!("yes"), Value::Null] {
        let body =
            json!({"proxmox_node": "px-testing", "hosts": "localhost", "as_json": word, "unknown": [1]});
        let reply = reply(&app, PING, &body, 200).await;
        assert_eq!(recap(&reply), ["localhost"]);
    }
}

#[tokio::test]
async fn a_run_that_went_wrong_replies_500_with_its_log_and_the_error() {
    let app = Setup::new().set("RANGEHAND__ANSIBLE__DEFAULT_INVENTORY", "unreachable").start();
    for (path, hosts, rc, line, error) in [
        (
            "/v0/admin/run/bundles/failing/run",
            json!("localhost"),
            2,
            "fatal: [localhost]: FAILED!",
            "Exit with three",
        ),
        (
            "/v0/admin/run/bundles/badyaml/run",
            json!("localhost"),
            4,
            "[ERROR]: YAML parsing failed",
            "YAML parsing failed",
        ),
        (
            "/v0/admin/run/bundles/nohosts/run",
            Value::Null,
            0,
            "skipping: no hosts matched",
            "no play matched a host",
        ),
        (PING, json!("absent"), 4, "fatal: [absent]: UNREACHABLE!", "unreachable"),
        (PING, json!("missing"), 1, "[ERROR]: Specified inventory, host pattern", "no hosts to target"),
    ] {
        let reply = reply(&app, path, &json!({"proxmox_node": "px", "hosts": hosts}), 500).await;
        assert_eq!(reply["rc"], rc, "{path} {hosts}: {reply:#}");
        assert!(log(&reply).iter().any(|found| found.starts_with(line)), "{reply:#}");
        assert!(reply["error"].as_str().is_some_and(|text| text.contains(error)), "{reply:#}");
    }
}

#[tokio::test]
async fn nested_and_dotted_names_run_by_slash_and_by_its_code() {
    let app = TestApp::new();
    let climb = "core/proxmox/configure/default/vms/create-vms-climb";
    for (name, play) in [
        ("generic/network.baseline.sample", "PLAY [Name with dots]"),
        ("generic%2Fnetwork.baseline.sample", "PLAY [Name with dots]"),
        ("generic%2fnetwork.baseline.sample", "PLAY [Name with dots]"),
        (climb, "PLAY [Climb to the root]"),
    ] {
        let reply = reply(&app, &format!("/v0/admin/run/bundles/{name}/run"), &on_localhost(), 200).await;
        assert!(log(&reply)[0].starts_with(play), "{name}: {reply:#}");
    }
}

#[tokio::test]
async fn text_outside_ascii_is_unharmed_and_lines_end_where_python_ends_them() {
    let app = TestApp::new();
    let reply = reply(&app, "/v0/admin/run/bundles/unicode/run", &on_localhost(), 200).await;
    let lines = log(&reply);
    assert!(lines[0].starts_with("PLAY [Ünïcödé 測試 🚀]"), "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains("zażółć gęślą jaźń")), "{lines:#?}");
    assert!(
        lines.iter().all(|line| !line.contains(['\u{1b}', '\u{85}', '\u{2028}', '\u{2029}'])),
        "{lines:#?}"
    );
    assert!(lines.iter().any(|line| line.starts_with(", override \u{202e}abc")), "{lines:#?}");
}

#[tokio::test]
async fn the_second_root_has_bundles_too() {
    let setup = Setup::new().set("API_BACKEND_PUBLIC_PLAYBOOKS_DIR", "public");
    let play = "- name: Public\n  hosts: all\n  gather_facts: false\n  tasks: [{ansible.builtin.ping: }]\n";
    setup.write("public/bundles/tools/v1.2-beta/main.yml", play);
    // A link to nowhere is passed over.
    std::os::unix::fs::symlink("nowhere", setup.home().join("public/bundles/tools/v1.2-beta/dangling"))
        .expect("writable");
    let app = setup.start();
    let reply = reply(&app, "/v0/admin/run/bundles/tools/v1.2-beta/run", &on_localhost(), 200).await;
    assert!(log(&reply)[0].starts_with("PLAY [Public]"), "{reply:#}");
}
