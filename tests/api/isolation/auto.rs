//! `runs.isolation = "auto"`, the default: runs are in a sandbox if one can be created, SSH keys work in it, and missing files
//! are reported.

use std::{fs, os::unix::fs::symlink, path::PathBuf};

use serde_json::{Value, json};
use testkit::{Job, Setup, TestApp};

use super::{can_sandbox, view};

const KEY: &str = "-----BEGIN OPENSSH PRIVATE KEY-----\nnone\n-----END OPENSSH PRIVATE KEY-----\n";

/// The default settings: independent of those of the whole suite, and without additional visible paths.
fn by_default() -> Setup {
    Setup::new()
        .set("RANGEHAND__RUNS__ISOLATION", "auto")
        .set("RANGEHAND__RUNS__SANDBOX_WRITABLE", "")
        .set("RANGEHAND__RUNS__SANDBOX_READABLE", "")
}

/// The warning of a job with this code.
fn warning<'a>(job: &'a Value, code: &str) -> Option<&'a Value> {
    job["warnings"].as_array()?.iter().find(|warning| warning["code"] == code)
}

/// Runs tasks on this machine.
async fn run(app: &TestApp, tasks: Value) -> Job {
    let play = json!([{"hosts": "localhost", "connection": "local", "gather_facts": false, "tasks": tasks}]);
    app.write("playbooks/bundles/local/main.yml", &play.to_string());
    app.run(&json!({"bundle": "local", "limit": "localhost"})).await.read().await
}

#[tokio::test]
async fn a_job_reports_how_it_was_isolated() {
    for (setup, expected) in [
        (by_default(), "sandbox"),
        (by_default().set("RANGEHAND__RUNS__ISOLATION", "process"), "process"),
        (by_default().set("RANGEHAND__RUNS__ISOLATION", "sandbox"), "sandbox"),
    ] {
        if expected == "sandbox" && !can_sandbox() {
            continue;
        }
        let app = setup.start();
        let job = app.run(&json!({"bundle": "ping", "limit": "localhost"})).await;
        assert_eq!((&job["state"], &job["isolation"]), (&json!("succeeded"), &json!(expected)), "{job:#}");
        let protections = job["protections"].as_array().expect("a list");
        for part in ["namespaces", "seccomp"] {
            assert_eq!(protections.contains(&json!(part)), expected == "sandbox", "{part}: {job:#}");
        }
    }
}

#[tokio::test]
async fn a_job_that_requests_no_sandbox_still_runs_in_one() {
    if !can_sandbox() {
        return;
    }
    let app = by_default().start();
    let request = json!({"bundle": "ping", "limit": "localhost", "isolation": "process"});
    let job = app.run(&request).await;
    assert_eq!((&job["state"], &job["isolation"]), (&json!("succeeded"), &json!("sandbox")), "{job:#}");
}

#[tokio::test]
async fn without_bubblewrap_runs_go_without_a_sandbox_and_say_so() {
    let setup = by_default();
    // Everything that PATH has, but not bubblewrap.
    let programs = setup.home().join("programs");
    fs::create_dir(&programs).expect("a new directory");
    for directory in std::env::split_paths(&std::env::var_os("PATH").expect("there is one")) {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            if entry.file_name() != "bwrap" {
                // The first one of a name counts.
                let _ = symlink(entry.path(), programs.join(entry.file_name()));
            }
        }
    }
    let app = setup.set("PATH", programs.to_str().expect("UTF-8")).start();
    let job = app.run(&json!({"bundle": "ping", "limit": "localhost"})).await;
    assert_eq!((&job["state"], &job["isolation"]), (&json!("succeeded"), &json!("process")), "{job:#}");
    assert!(app.log().contains("runs have no sandbox"), "{}", app.log());
}

#[tokio::test]
async fn keys_of_ssh_are_readable_by_default_and_nothing_else_that_an_inventory_names() {
    if !can_sandbox() {
        return;
    }
    let setup = by_default();
    let at = |name: &str| setup.home().join(name).to_str().expect("UTF-8").to_owned();
    let names = ["ini", "yaml", "vars", "config", "environment"];
    let keys: Vec<String> = names.iter().map(|name| at(&format!("keys/{name}"))).collect();
    for key in &keys {
        setup.write(key.strip_prefix(&at("")).expect("below the home"), KEY);
    }
    setup.write(".ssh/id_ed25519", KEY);
    setup.write("keys/hosts", "web ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKg1\n");
    setup.write("keys/password", "secret\n");
    setup.write("keys/unnamed", KEY);
    let (own, hosts) = (at(".ssh/id_ed25519"), at("keys/hosts"));
    let (password, unnamed) = (at("keys/password"), at("keys/unnamed"));
    setup.write(
        "inventory/more/hosts",
        &format!(
            "localhost ansible_connection=local ansible_ssh_private_key_file={}\n\
             one ansible_ssh_private_key_file={password}\n\
             two ansible_ssh_common_args='-o UserKnownHostsFile={hosts}'\n",
            keys[0]
        ),
    );
    setup.write(
        "inventory/more/yaml.yml",
        &format!("all: {{vars: {{ansible_private_key_file: {}}}}}", keys[1]),
    );
    setup.write("inventory/more/group_vars/all.yml", &format!("ansible_ssh_private_key_file: {}\n", keys[2]));
    setup.write("playbooks/ansible.cfg", &format!("[defaults]\nprivate_key_file = {}\n", keys[3]));
    let app = setup.set("RANGEHAND__ANSIBLE__ENVIRONMENT__ANSIBLE_PRIVATE_KEY_FILE", &keys[4]).start();
    let mut paths: Vec<&str> = keys.iter().map(String::as_str).collect();
    paths.extend([&*own, &*hosts]);
    let all: Vec<&str> = paths.iter().copied().chain([&*password, &*unnamed]).collect();
    let vars = json!({"paths": all});
    let request =
        json!({"bundle": "sandboxview", "inventory": "more", "limit": "localhost", "extra_vars": vars});
    let job = app.run(&request).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    let found = job.results().await["sandboxview"][0].clone();
    assert_eq!(found["readable"], json!(paths), "{found:#}");
    assert_eq!(found["writable"], json!([]), "{found:#}");
}

#[tokio::test]
async fn a_setting_decides_whether_a_sandbox_shows_the_keys() {
    if !can_sandbox() {
        return;
    }
    for (isolation, keys, is_shown) in [
        ("auto", "auto", true),
        ("auto", "hidden", false),
        ("sandbox", "auto", false),
        ("sandbox", "visible", true),
    ] {
        let setup = by_default()
            .set("RANGEHAND__RUNS__ISOLATION", isolation)
            .set("RANGEHAND__RUNS__SANDBOX_SSH_KEYS", keys);
        setup.write(".ssh/id_ed25519", KEY);
        let key = setup.home().join(".ssh/id_ed25519").to_str().expect("UTF-8").to_owned();
        let app = setup.start();
        let found = view(&app, &[&key], None).await;
        let readable = if is_shown { json!([key]) } else { json!([]) };
        assert_eq!(found["readable"], readable, "{isolation}, {keys}");
    }
}

#[tokio::test]
async fn files_that_go_with_a_sandbox_are_named_in_a_warning() {
    if !can_sandbox() {
        return;
    }
    let app = by_default().start();
    let home = app.home().to_str().expect("UTF-8");
    let copy = |dest: &str| json!({"ansible.builtin.copy": {"content": "four", "dest": dest}});
    let report = format!("{home}/report");
    let tasks = json!([
        copy("/tmp/report"), copy("/var/tmp/report"), copy(&report),
        // In the content, where files are kept.
        copy("{{ playbook_dir }}/report"),
        {"ansible.builtin.tempfile": {}, "register": "empty"},
    ]);
    let job = run(&app, tasks).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    let warning = warning(&job, "files_removed").unwrap_or_else(|| panic!("no warning: {job:#}"));
    let files: Vec<&str> = warning["files"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|file| file["path"].as_str().expect("a text"))
        .collect();
    let mut expected = vec!["/tmp/report", "/var/tmp/report", &report];
    expected.sort_unstable();
    assert_eq!(files, expected, "{warning:#}");
    assert_eq!((&warning["total"], &warning["bytes"]), (&json!(3), &json!(12)));
    for path in ["/tmp/report", "/var/tmp/report", &report] {
        assert!(!PathBuf::from(path).exists(), "{path}");
    }
    let clean = run(&app, json!([{"ansible.builtin.debug": {"msg": "x"}}])).await;
    assert_eq!(clean["warnings"], json!(null), "{clean:#}");
}

#[tokio::test]
async fn a_failure_that_a_sandbox_may_have_caused_says_what_to_set() {
    if !can_sandbox() {
        return;
    }
    let setup = by_default();
    setup.write("elsewhere/x", "x");
    let app = setup.start();
    let path = app.home().join("elsewhere/x").to_str().expect("UTF-8").to_owned();
    for task in [
        json!({"ansible.builtin.copy": {"src": path, "dest": "/tmp/x"}}),
        json!({"ansible.builtin.command": {"argv": ["cat", path]}}),
        json!({"ansible.builtin.slurp": {"src": path}}),
    ] {
        let job = run(&app, json!([task])).await;
        assert_eq!(job["state"], "failed", "{job:#}");
        let warning = warning(&job, "outside_sandbox").unwrap_or_else(|| panic!("no warning: {job:#}"));
        assert_eq!(warning["paths"], json!([path]), "{warning:#}");
        assert!(warning["message"].as_str().is_some_and(|text| text.contains("runs.sandbox_readable")));
    }
    // The directories in which a role is searched for are visible.
    let job = run(&app, json!([{"ansible.builtin.include_role": {"name": "there_is_none"}}])).await;
    assert_eq!(job["state"], "failed", "{job:#}");
    assert_eq!(warning(&job, "outside_sandbox"), None, "{job:#}");
    // Other failures have nothing to do with it.
    let job = run(&app, json!([{"ansible.builtin.fail": {"msg": format!("{path} is broken")}}])).await;
    assert_eq!(job["state"], "failed", "{job:#}");
    assert_eq!(warning(&job, "outside_sandbox"), None, "{job:#}");
}

#[tokio::test]
async fn a_run_cannot_reach_the_directories_behind_tmp_by_another_path() {
    if !can_sandbox() {
        return;
    }
    let app = by_default().start();
    let script = "ls -A $(dirname $(dirname $(pwd)))/*/scratch $HOME/../scratch 2>/dev/null; echo x > /tmp/x; mv /tmp /y";
    let tasks = json!([{
        "ansible.builtin.shell": {"cmd": script, "chdir": "{{ lookup('env', 'HOME') }}"},
        "register": "tried", "failed_when": false,
    }, {"ansible.builtin.debug": {"var": "tried.stdout_lines"}}]);
    let job = run(&app, tasks).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    let results = job.results().await;
    let lines = results["tried.stdout_lines"][0].as_array().expect("a list").clone();
    let names: Vec<&str> = lines
        .iter()
        .filter_map(Value::as_str)
        .filter(|line| !line.is_empty() && !line.ends_with(':'))
        .collect();
    assert_eq!(names, [""; 0], "{results:#}");
}

#[tokio::test]
async fn a_key_that_is_a_link_out_of_the_home_works() {
    if !can_sandbox() {
        return;
    }
    let setup = by_default();
    setup.write("elsewhere/lab.pem", KEY);
    setup.write("elsewhere/config", "Host *\n");
    setup.write(".ssh/id_ed25519", KEY);
    let ssh = setup.home().join(".ssh");
    symlink(setup.home().join("elsewhere/lab.pem"), ssh.join("lab.pem")).expect("a link");
    symlink(setup.home().join("elsewhere/config"), ssh.join("config")).expect("a link");
    setup.write(
        "inventory/more",
        "localhost ansible_connection=local ansible_ssh_private_key_file=~/.ssh/lab.pem\n",
    );
    let paths = [ssh.join("lab.pem"), ssh.join("config"), ssh.join("id_ed25519")];
    let app = setup.start();
    let vars = json!({"paths": paths});
    let request =
        json!({"bundle": "sandboxview", "inventory": "more", "limit": "localhost", "extra_vars": vars});
    let job = app.run(&request).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    let results = job.results().await;
    assert_eq!(results["sandboxview"][0]["readable"], json!(paths), "{results:#}");
}

#[tokio::test]
async fn ordinary_tasks_that_use_the_home_work_in_it() {
    if !can_sandbox() {
        return;
    }
    let setup = by_default();
    // Such directories are in the homes of many users.
    for name in [".ansible_async/x", ".config/x", ".local/x"] {
        setup.write(name, "x");
    }
    let app = setup.start();
    let home = app.home().to_str().expect("UTF-8").to_owned();
    let tasks = json!([
        {"ansible.builtin.file": {"path": "~/.ansible_async", "state": "directory", "mode": "0700"}},
        {"ansible.builtin.file": {"path": "~/.config/helm", "state": "directory", "mode": "0755"}},
        {"ansible.builtin.command": {"cmd": "test -d .config/helm", "chdir": "{{ lookup('env', 'HOME') }}"}},
    ]);
    let job = run(&app, tasks).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    assert!(!PathBuf::from(&home).join(".config/helm").exists());
}

#[tokio::test]
async fn a_configuration_that_a_run_replaced_by_a_link_leads_the_supervisor_nowhere() {
    if !can_sandbox() {
        return;
    }
    let setup = by_default().set("RANGEHAND__RUNS__CONTENT", "copy");
    setup.write("outside.cfg", "[defaults]\nroles_path = /leaked/by/the/supervisor\n");
    let app = setup.start();
    let outside = app.home().join("outside.cfg").to_str().expect("UTF-8").to_owned();
    for target in [&*outside, "/proc/self/pagemap", "/dev/zero"] {
        let link =
            format!("cd {{{{ playbook_dir }}}}/../.. && rm -f ansible.cfg && ln -s {target} ansible.cfg");
        let tasks = json!([
            {"ansible.builtin.shell": link},
            {"ansible.builtin.include_role": {"name": "there_is_none"}},
        ]);
        let job = run(&app, tasks).await;
        assert_eq!(job["state"], "failed", "{job:#}");
        assert!(!job.to_string().contains("/leaked/by"), "{job:#}");
    }
}
