//! The results are the same with and without a sandbox, for many different playbooks.

use serde_json::{Map, Value, json};
use testkit::TestApp;

use super::{can_sandbox, in_process};

/// Playbooks that succeed, fail, print, loop, decrypt, include, and leave processes behind.
fn zoo() -> Vec<Value> {
    let plain = [
        "adjacent",
        "badyaml",
        "echo",
        "failing",
        "ignored",
        "jinja",
        "linger",
        "missing_role",
        "nohosts",
        "selfedit",
    ];
    let mut zoo: Vec<Value> =
        plain.iter().map(|bundle| json!({"bundle": bundle, "limit": "localhost"})).collect();
    for request in &mut zoo {
        if request["bundle"] == "linger" {
            request["extra_vars"] = json!({"marker": "parity", "seconds": 60});
        }
    }
    zoo.push(json!({"bundle": "ping", "limit": "localhost", "check": true, "diff": true, "verbosity": 3}));
    zoo.push(json!({"playbook": "ping", "inventory": "trio", "forks": 2}));
    zoo
}

/// What clients see of a job, without times, IDs, and other values that differ between runs.
async fn visible(app: &TestApp, request: &Value) -> Value {
    let job = app.run(request).await;
    let mut kinds: Map<String, Value> = Map::new();
    for event in job.events().await {
        let kind = event["kind"].as_str().expect("a kind");
        let count = kinds.get(kind).and_then(Value::as_u64).unwrap_or(0);
        kinds.insert(kind.to_owned(), json!(count + 1));
    }
    kinds.sort_keys();
    // How many lines of a traceback or warning there are is Ansible's business.
    kinds.remove("verbose");
    let mut results = job.results().await;
    if !request["inventory"].is_null() {
        // Several hosts end a task in any order.
        let of_variables = results.as_object_mut().into_iter().flat_map(Map::values_mut);
        of_variables.filter_map(Value::as_array_mut).for_each(|values| values.sort_by_key(Value::to_string));
    }
    json!({
        "state": job["state"],
        "code": job["reason"]["code"],
        "rc": job["rc"],
        "stats": job["stats"],
        "failures": job["failures"].as_array().map(Vec::len),
        "left_processes": job["processes_killed"].as_u64().is_some_and(|killed| killed > 0),
        "results": results,
        "kinds": kinds,
    })
}

#[tokio::test]
async fn a_zoo_of_playbooks_gives_the_same_in_a_sandbox() {
    if !can_sandbox() {
        return;
    }
    let app = in_process().set("RANGEHAND__RUNS__MAX_CONCURRENT", "2").start();
    for request in zoo() {
        let mut sandboxed = request.clone();
        sandboxed["isolation"] = json!("sandbox");
        let (without, with) = tokio::join!(visible(&app, &request), visible(&app, &sandboxed));
        assert_eq!(without, with, "{request}");
    }
}
