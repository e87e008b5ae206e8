//! Many different playbooks have the same result with both executors.

use std::fs;

use serde_json::{Value, json};
use testkit::{Setup, TestApp, fixtures, ssh_lab};

use super::{
    EXECUTORS,
    visible::{Line, differences, visible},
    with,
};

/// What is requested, and whether several hosts run in parallel.
struct Case {
    request: Value,
    is_sorted: bool,
}

/// On one host: what happens has an order.
fn on_one(bundle: &str) -> Case {
    with_options(bundle, json!({}))
}

fn with_options(bundle: &str, options: Value) -> Case {
    let mut request = json!({"bundle": bundle, "limit": "localhost"});
    let members = options.as_object().expect("options").clone();
    request.as_object_mut().expect("a request").extend(members);
    Case { request, is_sorted: false }
}

/// On several hosts.
fn on_many(bundle: &str, inventory: &str, options: Value) -> Case {
    let mut case = with_options(bundle, options);
    case.request["inventory"] = json!(inventory);
    case.request["limit"] = Value::Null;
    case.is_sorted = true;
    case
}

/// Without a configuration: the usual settings of Ansible.
fn usual() -> Vec<Case> {
    let mut cases: Vec<Case> = [
        "adjacent",
        "badyaml",
        "missing_role",
        "unicode",
        "zoo/roles",
        "zoo/flow",
        "zoo/overrides",
        "zoo/output",
        "zoo/vaulted",
        "zoo/bad/syntax",
        "zoo/bad/module",
        "zoo/bad/undefined",
        "zoo/bad/pattern",
        "zoo/bad/template",
        "zoo/bad/strategy",
        "zoo/bad/assert",
    ]
    .map(on_one)
    .into();
    cases.push(with_options("zoo/plugins", json!({"verbosity": 5})));
    cases.push(with_options("zoo/options", json!({"tags": "colour", "skip_tags": "write", "verbosity": 1})));
    cases.push(with_options(
        "zoo/options",
        json!({"check": true, "diff": true, "verbosity": 3, "tags": "other"}),
    ));
    cases.push(with_options("zoo/options", json!({"start_at_task": "Third", "verbosity": 4, "forks": 3})));
    // No prompt is answered.
    cases.push(with_options("zoo/ask", json!({"timeout_s": 8})));
    cases.push(with_options("linger", json!({"extra_vars": {"marker": "zoo", "seconds": 60}})));
    cases.push(on_many("zoo/hosts", "trio", json!({})));
    cases.push(on_many("ping", "unreachable", json!({})));
    cases.push(on_many("ping", "dynamic", json!({"limit": "made,absent"})));
    cases.push(on_many("zoo/ssh", "lab", json!({"diff": true})));
    cases.push(on_many("zoo/ssh", "lab_wrong_key", json!({"forks": 1, "verbosity": 1})));
    cases
}

/// With a configuration in the root.
fn configured(name: &str) -> Vec<Case> {
    match name {
        "many" => vec![on_one("zoo/configured"), on_many("ping", "own_inventory", json!({"verbosity": 1}))],
        "few" => vec![on_one("zoo/roles"), on_one("zoo/overrides"), on_one("zoo/bad/undefined")],
        _ => vec![on_one("zoo/vaulted")],
    }
}

fn service(executor: &str) -> Setup {
    ssh_lab::with_inventories(with(executor).set("VAULT_PASSWORD", "zoo-password"))
}

async fn run(app: &TestApp, case: &Case, executor: &str) -> Vec<Line> {
    let job = app.run(&case.request).await;
    assert!(!job["finished_at"].is_null(), "{job:#}");
    assert_eq!(job["executor"], executor, "{}: {job:#}", case.request);
    visible(app, &job, case.is_sorted).await
}

/// Runs the cases in both. Returns what differs.
async fn compare(apps: &[TestApp; 2], cases: &[Case], configuration: &str) -> Vec<String> {
    let mut found = Vec::new();
    let only = std::env::var("RANGEHAND_TEST_ZOO_ONLY").unwrap_or_default();
    for case in cases.iter().filter(|case| case.request.to_string().contains(&only)) {
        let [runner, warm] = apps;
        let (runner, warm) = tokio::join!(run(runner, case, EXECUTORS[0]), run(warm, case, EXECUTORS[1]));
        let differences = differences(&runner, &warm);
        if !differences.is_empty() {
            found.push(format!("==== {configuration}: {}\n{}", case.request, differences.join("\n")));
        }
    }
    found
}

#[tokio::test]
async fn a_zoo_of_playbooks_gives_the_same_under_both_executors() {
    let apps = EXECUTORS.map(|executor| service(executor).start());
    let mut found = compare(&apps, &usual(), "usual").await;
    for name in ["many", "few", "import"] {
        let path = fixtures().join("executor/configurations").join(format!("{name}.cfg"));
        let text = fs::read_to_string(path).expect("a configuration");
        apps.iter().for_each(|app| app.write("playbooks/ansible.cfg", &text));
        found.extend(compare(&apps, &configured(name), name).await);
    }
    assert!(found.is_empty(), "{}", found.join("\n\n"));
}

#[tokio::test]
async fn a_callback_that_the_environment_names_prints_under_both_executors() {
    let apps = EXECUTORS.map(|executor| {
        with(executor)
            .set("RANGEHAND__ANSIBLE__PASS_ENVIRONMENT", "HOME,LANG,LC_ALL,ANSIBLE_STDOUT_CALLBACK")
            .set("ANSIBLE_STDOUT_CALLBACK", "minimal")
            .start()
    });
    let found = compare(&apps, &[on_one("ping")], "of the environment").await;
    assert!(found.is_empty(), "{}", found.join("\n\n"));
    let log = apps[1].run(&on_one("ping").request).await;
    assert!(apps[1].job(&log).log().await.contains("localhost | SUCCESS"), "`minimal` prints that");
}
