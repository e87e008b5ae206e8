//! No state of a run reaches the next one, although both are forked from one process. A process of a run has the same
//! environment as under ansible-runner.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    os::unix::fs::FileExt,
};

use serde_json::{Value, json};
use testkit::{TestApp, generated_secret, until};

use super::{hosts::hosts_of, with};

async fn result(app: &TestApp, bundle: &str) -> Value {
    let job = app.run(&json!({"bundle": format!("zoo/{bundle}"), "limit": "localhost"})).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    job.results().await[bundle][0].clone()
}

/// What a run sees of its processes, without what belongs to this run only.
async fn surroundings(app: &TestApp) -> Value {
    let mut seen = result(app, "surroundings").await;
    let text = seen.to_string();
    let text = text.replace(&*app.home().to_string_lossy(), "HOME");
    let runtime =
        regex::Regex::new(&format!("{}/[0-9a-f]{{12}}", app.runtime().display())).expect("a pattern");
    let text = runtime.replace_all(&text, "RUN");
    let numbers = regex::Regex::new(
        r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|ansible-local-[0-9a-z_]+|parent=\d+|(pipe|socket):\[\d+\]|/pts/\d+|/#\d+|mp-[a-z0-9_]+",
    );
    let text = numbers.expect("a pattern").replace_all(&text, "ID");
    seen = serde_json::from_str(&text).expect("JSON");
    // They were sorted by the numbers of pipes.
    descriptors(&mut seen).sort_by_key(Value::to_string);
    seen
}

#[tokio::test]
async fn a_run_finds_nothing_that_another_one_left() {
    let app = with("warm").start();
    let (seen, mut found) = (surroundings(&app).await, result(&app, "clean").await);
    let of_chance = ["random", "password"];
    let chance: BTreeSet<String> = of_chance.iter().map(|name| found[name].to_string()).collect();
    for bundle in ["dirty", "plugins", "overrides"] {
        let job = app.run(&json!({"bundle": format!("zoo/{bundle}"), "limit": "localhost"})).await;
        assert_eq!((&job["state"], &job["executor"]), (&json!("succeeded"), &json!("warm")), "{job:#}");
    }
    let (seen_later, mut found_later) = (surroundings(&app).await, result(&app, "clean").await);
    assert_eq!(seen, seen_later);
    for name in of_chance {
        assert!(!chance.contains(&found_later[name].to_string()), "{name} is the same in two runs");
        found[name] = Value::Null;
        found_later[name] = Value::Null;
    }
    assert_eq!(found, found_later);
    let expected = ["pong", "none", "", "X", "10"];
    let names = ["module", "fact", "environment", "upper", "timeout"];
    assert_eq!(names.map(|name| found[name].to_string().trim_matches('"').to_owned()), expected, "{found:#}");
    assert_eq!(hosts_of(&app).len(), 1, "it was one host all the time");
}

#[tokio::test]
async fn what_a_process_of_a_run_has_is_what_ansible_runner_gives_it() {
    let apps = ["runner", "warm"].map(|executor| with(executor).start());
    let (mut runner, mut warm) = tokio::join!(surroundings(&apps[0]), surroundings(&apps[1]));
    for seen in [&mut runner, &mut warm] {
        for part in ["module", "filter"] {
            let names = seen[part]["environment"].as_array_mut().expect("names");
            names.retain(|name| !OF_THE_RUNNER.contains(&name.as_str().expect("a name")));
        }
        let lines = seen["environment"].as_array_mut().expect("lines");
        lines.retain(|line| {
            !OF_THE_RUNNER.iter().any(|name| line.as_str().is_some_and(|line| line.starts_with(name)))
        });
        seen["filter"]["modules"] = Value::Null;
        seen["settings"] = Value::Null;
        // Facts are kept in a file of the run or in memory.
        descriptors(seen).retain(|one| !one.as_str().is_some_and(|one| one.contains("fact_cache")));
    }
    // A warm one writes its events to a pipe; there is no script that is its main program.
    let descriptors = descriptors(&mut warm);
    let pipe = descriptors.iter().position(|one| one == "ID 1 1").expect("the pipe for events");
    descriptors.remove(pipe);
    runner["filter"]["main"] = warm["filter"]["main"].clone();
    assert_eq!(runner, warm);
}

/// What the process of a task has open.
fn descriptors(seen: &mut Value) -> &mut Vec<Value> {
    seen["filter"]["descriptors"].as_array_mut().expect("descriptors")
}

/// What ansible-runner adds to the environment for itself.
const OF_THE_RUNNER: [&str; 3] =
    ["ANSIBLE_CACHE_PLUGIN", "ANSIBLE_CACHE_PLUGIN_CONNECTION", "AWX_ISOLATED_DATA_DIR"];

#[tokio::test]
async fn a_host_holds_no_secret_in_its_memory_and_none_in_its_environment() {
    let secrets: [String; 4] = std::array::from_fn(|_| generated_secret());
    let [password, variable, secret_variable, passed] = &secrets;
    let app = with("warm").set("VAULT_PASSWORD", password).set("PROXMOX_TOKEN", passed).start();
    let vars = json!({"bundle": "echo", "limit": "localhost", "extra_vars": {"message": variable},
                      "secret_vars": {"nested": {"deep": secret_variable}}});
    for _ in 0..2 {
        let job = app.run(&vars).await;
        assert_eq!((&job["state"], &job["executor"]), (&json!("succeeded"), &json!("warm")), "{job:#}");
    }
    let [host] = hosts_of(&app)[..] else { panic!("one host") };
    let memory = memory_of(host);
    assert!(holds(&memory, "rangehand/preload.py"), "its memory was not read");
    let environment = fs::read(format!("/proc/{host}/environ")).expect("readable");
    for secret in &secrets {
        assert!(!holds(&memory, secret), "a secret is in the memory of the host");
        assert!(
            !holds(std::slice::from_ref(&environment), secret),
            "a secret is in the environment of the host"
        );
    }
    until("the runs are deleted", || app.run_directories().is_empty()).await;
}

fn holds(parts: &[Vec<u8>], text: &str) -> bool {
    let text = regex::bytes::Regex::new(&regex::escape(text)).expect("a pattern");
    parts.iter().any(|part| text.is_match(part))
}

/// All that a process can write to, as it is now.
fn memory_of(pid: i32) -> Vec<Vec<u8>> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).expect("it runs");
    let memory = File::open(format!("/proc/{pid}/mem")).expect("the test owns it");
    let range = |line: &str| -> Option<(u64, u64)> {
        let (range, rest) = line.split_once(' ')?;
        let (from, to) = range.split_once('-')?;
        let number = |text| u64::from_str_radix(text, 16).ok();
        rest.starts_with("rw").then_some((number(from)?, number(to)?))
    };
    let read = |(from, to): (u64, u64)| {
        let mut bytes = vec![0; usize::try_from(to - from).expect("it fits")];
        memory.read_exact_at(&mut bytes, from).ok().map(|()| bytes)
    };
    maps.lines().filter_map(range).filter_map(read).collect()
}
