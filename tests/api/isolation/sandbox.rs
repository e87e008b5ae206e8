//! What a run in a sandbox sees and can do.

use serde_json::json;
use testkit::{Setup, processes_with};

use super::{can_sandbox, in_process, in_sandbox, view};

/// Paths of this machine that a run has no business with.
const HIDDEN: [&str; 8] = [
    "/etc/shadow",
    "/etc/ssh/sshd_config",
    "/root",
    "/home",
    "/var/lib",
    "/etc/ssl/private",
    "/proc/1/root",
    "/boot",
];

#[tokio::test]
async fn a_run_in_a_sandbox_sees_the_system_and_itself_and_writes_only_its_own() {
    if !can_sandbox() {
        return;
    }
    let app = in_sandbox().start();
    let home = app.home().to_str().expect("UTF-8").to_owned();
    let (state, playbooks) = (format!("{home}/var"), format!("{home}/playbooks"));
    let paths: Vec<&str> = HIDDEN.iter().copied().chain([&*home, &*state, &*playbooks]).collect();
    let seen = ["/usr/bin", "/etc/passwd", "/etc/ssl/certs"];
    let all: Vec<&str> =
        paths.iter().chain(&seen).copied().chain(["/tmp", "/usr", "/etc", "/dev/shm"]).collect();
    let found = view(&app, &all, None).await;
    let readable: Vec<&str> =
        found["readable"].as_array().expect("a list").iter().filter_map(|p| p.as_str()).collect();
    for path in seen {
        assert!(readable.contains(&path), "{path}: {found:#}");
    }
    for path in HIDDEN.iter().filter(|path| **path != "/root" && **path != "/proc/1/root") {
        assert!(!readable.contains(path), "{path}: {found:#}");
    }
    assert!(!readable.contains(&&*state), "{found:#}");
    // The content is seen at its owner's path, but as a snapshot.
    assert!(readable.contains(&&*playbooks), "{found:#}");
    assert!(!app.home().join("playbooks/written-by-a-run").exists());
    let writable = found["writable"].as_array().expect("a list");
    assert!(writable.contains(&json!("/tmp")), "{found:#}");
    for path in ["/usr", "/etc"] {
        assert!(!writable.contains(&json!(path)), "{path}: {found:#}");
    }
    assert_eq!(found["capabilities"], "0000000000000000");
    assert_eq!((&found["no_new_privileges"], &found["core"]), (&json!("1"), &json!(0)));
    // bubblewrap, ansible-runner, ansible-playbook, workers, and the module only.
    let processes = found["processes"].as_array().expect("a list");
    assert!(processes.len() < 20 && processes[0] == 1, "{found:#}");
    assert!(!std::path::Path::new("/tmp/written-by-a-run").exists());
}

#[tokio::test]
async fn the_key_of_the_user_is_not_seen_and_known_hosts_are() {
    if !can_sandbox() {
        return;
    }
    let app = in_sandbox().start();
    app.write(".ssh/id_ed25519", "key");
    app.write(".ssh/known_hosts", "host");
    app.write("elsewhere/key", "key");
    let at = |name: &str| app.home().join(name).to_str().expect("UTF-8").to_owned();
    let (key, known, other) = (at(".ssh/id_ed25519"), at(".ssh/known_hosts"), at("elsewhere/key"));
    let found = view(&app, &[&key, &known, &other], None).await;
    assert_eq!(found["readable"], json!([known]));
}

#[tokio::test]
async fn settings_name_what_else_is_seen_and_written() {
    if !can_sandbox() {
        return;
    }
    let setup = in_sandbox();
    setup.write("keys/key", "key");
    setup.write("out/x", "");
    let at = |name: &str| setup.home().join(name).to_str().expect("UTF-8").to_owned();
    let (keys, out) = (at("keys"), at("out"));
    let app = setup
        .set("RANGEHAND__RUNS__SANDBOX_READABLE", "keys:/not/there")
        .set("RANGEHAND__RUNS__SANDBOX_WRITABLE", "out")
        .start();
    let found = view(&app, &[&keys, &out], None).await;
    assert_eq!(found["readable"], json!([keys, out]));
    assert_eq!(found["writable"], json!([out]));
}

#[tokio::test]
async fn roles_that_a_configuration_names_outside_of_the_content_are_seen_if_a_setting_names_them() {
    if !can_sandbox() {
        return;
    }
    let shared = "shared";
    for (setting, value, state) in [
        ("", "", "failed"),
        ("RANGEHAND__RUNS__SANDBOX_READABLE", shared, "succeeded"),
        ("RANGEHAND__ANSIBLE__ROLES_PATH", shared, "succeeded"),
        ("RANGEHAND__PROJECTS__WHOLE__ROOT", ".", "succeeded"),
    ] {
        let setup = in_sandbox();
        setup.write("playbooks/ansible.cfg", "[defaults]\nroles_path = ../shared\n");
        setup.write("ansible.cfg", "[defaults]\nroles_path = shared\n");
        setup.write("shared/outer/tasks/main.yml", "- ansible.builtin.debug: {msg: found}\n");
        setup.write("playbooks/uses.yml", "- {hosts: localhost, gather_facts: false, roles: [outer]}\n");
        let home = setup.home().to_path_buf();
        let setup = match setting {
            "" => setup,
            _ => setup.set(setting, home.join(value).to_string_lossy()),
        };
        let app = setup.start();
        let (name, of, project) = match setting.contains("PROJECTS") {
            true => ("playbooks/uses", "?project=whole", json!("whole")),
            false => ("uses", "", json!(null)),
        };
        let shown = app.get(&format!("/v1/catalog/playbooks/{name}{of}"), 200).await;
        assert_eq!(shown["missing_roles"], json!([]), "{setting}: {shown:#}");
        let job = app.run(&json!({"playbook": name, "project": project, "limit": "localhost"})).await;
        assert_eq!(job["state"], state, "{setting}: {job:#}");
        let code = if state == "failed" { "role_not_found" } else { "succeeded" };
        assert_eq!(job["reason"]["code"], code, "{setting}: {job:#}");
        if state == "failed" {
            let job = app.get(&format!("/v1/jobs/{}", job["id"].as_str().expect("an id")), 200).await;
            let warning = &job["warnings"][0];
            assert_eq!(warning["code"], "outside_sandbox", "{job:#}");
            assert_eq!(warning["paths"], json!([home.join(shared)]), "{job:#}");
        }
    }
}

#[tokio::test]
async fn without_network_a_run_has_only_a_loopback_of_its_own() {
    if !can_sandbox() {
        return;
    }
    let app = in_sandbox().set("RANGEHAND__RUNS__SANDBOX_NETWORK", "false").start();
    let found = view(&app, &[], None).await;
    assert_eq!(found["interfaces"], json!(["lo"]), "{found:#}");
}

#[tokio::test]
async fn a_job_can_request_more_isolation_and_never_less() {
    if !can_sandbox() {
        return;
    }
    let app = in_process().start();
    let found = view(&app, &["/boot", "/var/lib"], Some("sandbox")).await;
    assert_eq!(found["readable"], json!([]));
    drop(app);
    let app = in_sandbox().start();
    let request = json!({"bundle": "ping", "limit": "localhost", "isolation": "process"});
    let problem = app.post("/v1/jobs", &request, 422).await;
    assert_eq!(problem["errors"][0]["field"], "isolation", "{problem:#}");
}

#[tokio::test]
async fn a_run_in_a_sandbox_cannot_touch_the_process_of_another() {
    if !can_sandbox() {
        return;
    }
    let app = in_sandbox().set("RANGEHAND__RUNS__MAX_CONCURRENT", "2").start();
    let slow = json!({"bundle": "slow", "limit": "localhost", "extra_vars": {"seconds": 600}});
    let slow = app.submit(&slow).await;
    slow.until_state("running").await;
    // A run that sees no other process can kill none: it can only signal its own.
    app.write(
        "playbooks/bundles/killer/main.yml",
        "- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.shell: 'trap : TERM; kill -TERM -1; true'\n      \
         changed_when: false\n      ignore_errors: true\n",
    );
    let killer = app.run(&json!({"bundle": "killer", "limit": "localhost", "timeout_s": 60})).await;
    assert!(!killer["finished_at"].is_null(), "{killer:#}");
    let id = slow["id"].as_str().expect("an id");
    assert_eq!(app.get(&format!("/v1/jobs/{id}"), 200).await["state"], "running");
    assert_eq!(slow.cancel().await["state"], "canceled");
}

#[tokio::test]
async fn a_sandbox_that_cannot_be_made_is_no_start_and_no_run() {
    let without = |setup: Setup| {
        // A search path without bubblewrap.
        let bin = setup.home().join("bin");
        std::fs::create_dir(&bin).expect("writable");
        for program in ["python3", "sh", "ssh", "env"] {
            let found = std::env::split_paths("/usr/bin:/bin").map(|d| d.join(program)).find(|p| p.exists());
            if let Some(found) = found {
                std::os::unix::fs::symlink(found, bin.join(program)).expect("writable");
            }
        }
        let path = bin.to_str().expect("UTF-8").to_owned();
        setup.set("PATH", path)
    };
    let output = without(in_sandbox()).command().output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("bubblewrap"), "{said}");

    let app = without(in_process()).start();
    let job = app.run(&json!({"bundle": "ping", "limit": "localhost", "isolation": "sandbox"})).await;
    assert_eq!((&job["state"], &job["reason"]["code"]), (&json!("failed"), &json!("sandbox_unavailable")));
}

#[tokio::test]
async fn a_supervisor_that_is_killed_leaves_nothing_of_its_sandbox() {
    if !can_sandbox() {
        return;
    }
    let app = in_sandbox().start();
    let marker = format!("family-{}-", app.home().file_name().expect("a name").to_string_lossy());
    let vars = json!({"marker": marker, "seconds": 600});
    let job = app.submit(&json!({"bundle": "tree", "limit": "localhost", "extra_vars": vars})).await;
    testkit::until("the family is up", || processes_with(&marker).len() >= 5).await;
    let identity = app.run_directories()[0].join("supervisor.json");
    let identity: serde_json::Value =
        serde_json::from_slice(&std::fs::read(identity).expect("readable")).expect("JSON");
    let pid = i32::try_from(identity["pid"].as_i64().expect("a number")).expect("small");
    let pid = rustix::process::Pid::from_raw(pid).expect("a pid");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("the test owns it");
    let job = job.until_state("lost").await;
    assert_eq!(processes_with(&marker), Vec::<String>::new(), "{job:#}");
}

/// A bubblewrap that may not make namespaces, as in many a container.
fn with_broken_bubblewrap(setup: Setup) -> Setup {
    use std::os::unix::fs::PermissionsExt;
    setup.write("bin/bwrap", "#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n");
    let program = setup.home().join("bin/bwrap");
    std::fs::set_permissions(program, std::fs::Permissions::from_mode(0o755)).expect("the test owns it");
    let path = format!("{}/bin:/usr/bin:/bin", setup.home().display());
    setup.set("PATH", path)
}

#[tokio::test]
async fn where_no_namespace_may_be_made_it_is_said_why_and_auto_goes_without() {
    let why = "No permissions to create new namespace";
    let output = with_broken_bubblewrap(in_sandbox()).command().output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains(why), "{said}");

    let setup = with_broken_bubblewrap(in_sandbox());
    let doctor = setup.command().arg("doctor").output().expect("it starts");
    assert!(String::from_utf8_lossy(&doctor.stdout).contains(why), "{doctor:?}");

    let app = with_broken_bubblewrap(in_process()).set("RANGEHAND__RUNS__ISOLATION", "auto").start();
    assert!(app.log().contains(why), "{}", app.log());
    let ping = json!({"bundle": "ping", "limit": "localhost"});
    assert_eq!(app.run(&ping).await["state"], "succeeded");
    let job = app.run(&json!({"bundle": "ping", "limit": "localhost", "isolation": "sandbox"})).await;
    assert_eq!(
        (&job["state"], &job["reason"]["code"]),
        (&json!("failed"), &json!("sandbox_unavailable")),
        "{job:#}"
    );
}
