//! Inspections evaluate content: lookups, plugins, inventory programs. They are isolated like runs, and leave no process.
//!
//! Each test has a playbook whose `hosts` executes a script as soon as Ansible lists its tasks.

use std::{
    fs,
    io::Write,
    net::TcpStream,
    process::Stdio,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use testkit::{Setup, TestApp, processes_with, until};

use super::{can_sandbox, in_process, in_sandbox};

/// Callers need a token, and inspections are short.
fn guarded(setup: Setup) -> Setup {
    setup.set("RANGEHAND__ACCESS__MODES", "token").set("RANGEHAND__RUNS__INSPECTION_TIMEOUT_S", "40")
}

/// A bundle that executes these lines when its tasks are listed; what they print is the pattern of its hosts.
fn bundle(setup: &Setup, name: &str, script: &str) {
    let path = format!("playbooks/bundles/{name}/look.sh");
    setup.write(&path, script);
    let path = setup.home().join(path);
    let play = format!(
        "- name: Looked at\n  hosts: \"{{{{ lookup('pipe', 'sh {}') }}}}\"\n  gather_facts: false\n  tasks:\n    \
         - ansible.builtin.debug: {{msg: x}}\n",
        path.display()
    );
    setup.write(&format!("playbooks/bundles/{name}/main.yml"), &play);
}

/// A word that no other test has in a command line.
fn marker(setup: &Setup) -> String {
    format!("looked-{}", setup.home().file_name().expect("a name").to_string_lossy())
}

/// A line that starts a process which leaves its session, its environment and its parent.
fn stray(marker: &str) -> String {
    format!("setsid env -i sh -c 'sleep 600; true' {marker} </dev/null >/dev/null 2>&1 &\n")
}

fn token(app: &TestApp, role: &str) -> String {
    let mut command = app.command();
    let made = command.args(["token", "create", "--name", role, "--role", role]).stderr(Stdio::null());
    String::from_utf8(made.output().expect("it starts").stdout).expect("UTF-8").trim().to_owned()
}

fn records(app: &TestApp) -> Vec<Value> {
    let listed = app.command().args(["audit", "list", "--json"]).output().expect("it starts");
    let lines = String::from_utf8(listed.stdout).expect("UTF-8");
    lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// The records of inspections.
fn inspected(app: &TestApp) -> Vec<Value> {
    records(app).into_iter().filter(|record| record["method"] == "INSPECT").collect()
}

async fn look(address: String, token: String, path: String) -> (u16, Value) {
    let request = reqwest::Client::new().get(format!("{address}{path}")).bearer_auth(token);
    let answer = request.send().await.expect("the service answers");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

async fn look_as(app: &TestApp, token: &str, path: &str) -> (u16, Value) {
    look(app.address().to_owned(), token.to_owned(), path.to_owned()).await
}

/// The children of a process that are inspectors.
fn inspectors(app: &TestApp) -> Vec<Pid> {
    let threads = fs::read_dir(format!("/proc/{}/task", app.pid())).expect("it runs").flatten();
    let children = threads.map(|task| fs::read_to_string(task.path().join("children")).unwrap_or_default());
    let children: Vec<i32> = children
        .flat_map(|all| all.split(' ').filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
        .collect();
    let is_inspector = |pid: &i32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.split(|&byte| byte == 0).nth(1) == Some(b"inspect")
    };
    children.into_iter().filter(is_inspector).filter_map(Pid::from_raw).collect()
}

/// A probe that reports which files of the machine an inspection can read and write.
fn probe(setup: &Setup) {
    let home = setup.home().display();
    let script = format!(
        "found=looked\n\
         for file in /etc/shadow '{home}/var/rangehand.db' '{home}/var' '{home}/beside'; do\n  \
         if [ -e \"$file\" ]; then found=$found-there; else found=$found-not; fi\ndone\n\
         for place in '{home}/playbooks' '{home}/playbooks/bundles/probe' '{home}/inventory' /usr; do\n  \
         if touch \"$place/written\" 2>/dev/null; then found=$found-wrote; else found=$found-kept; fi\ndone\n\
         echo $found\n"
    );
    setup.write("beside/file", "");
    bundle(setup, "probe", &script);
}

pub(super) async fn assert_a_sandbox_holds(setup: Setup) {
    probe(&setup);
    let app = guarded(setup).start();
    let (status, shown) = look_as(&app, &token(&app, "viewer"), "/v1/catalog/bundles/probe").await;
    assert_eq!((status, &shown["problem"]), (200, &Value::Null), "{shown:#}");
    let seen = "looked-not-not-not-not-kept-kept-kept-kept";
    assert_eq!(shown["plays"][0]["hosts"], seen, "{shown:#}");
    for place in ["playbooks/", "playbooks/bundles/probe/", "inventory/"] {
        assert!(!app.home().join(format!("{place}written")).exists(), "{place}");
    }
}

#[tokio::test]
async fn an_inspection_in_a_sandbox_sees_no_state_and_writes_nothing() {
    if can_sandbox() {
        assert_a_sandbox_holds(in_sandbox()).await;
    }
}

#[tokio::test]
async fn directories_that_runs_can_write_are_read_only_for_inspections() {
    if !can_sandbox() {
        return;
    }
    let setup = in_sandbox();
    setup.write("out/file", "");
    let out = setup.home().join("out").display().to_string();
    bundle(&setup, "probe", &format!("cat '{out}/file' && touch '{out}/written' 2>/dev/null || echo kept\n"));
    let app = guarded(setup.set("RANGEHAND__RUNS__SANDBOX_WRITABLE", out)).start();
    let (_, shown) = look_as(&app, &token(&app, "viewer"), "/v1/catalog/bundles/probe").await;
    assert_eq!(shown["plays"][0]["hosts"], "kept", "{shown:#}");
    assert!(!app.home().join("out/written").exists());
}

#[tokio::test]
async fn state_that_lies_within_content_is_not_seen_by_a_look() {
    if !can_sandbox() {
        return;
    }
    let setup = in_sandbox();
    let state = setup.home().join("playbooks/var").display().to_string();
    bundle(&setup, "probe", &format!("echo found$(ls -A '{state}' | wc -l)\n"));
    let app = guarded(setup.set("RANGEHAND__PATHS__STATE", state.clone())).start();
    let (_, shown) = look_as(&app, &token(&app, "viewer"), "/v1/catalog/bundles/probe").await;
    assert!(fs::read_dir(&state).expect("it is there").count() > 0);
    assert_eq!(shown["plays"][0]["hosts"], "found0", "{shown:#}");
}

pub(super) async fn assert_nothing_outlives_a_look(setup: Setup) {
    let marker = marker(&setup);
    bundle(&setup, "stray", &format!("{}echo localhost\n", stray(&marker)));
    bundle(&setup, "slow", &format!("{}sleep 600\n", stray(&marker)));
    let mut app = guarded(setup).start();
    let viewer = token(&app, "viewer");
    let (status, shown) = look_as(&app, &viewer, "/v1/catalog/bundles/stray").await;
    assert_eq!((status, &shown["plays"][0]["hosts"]), (200, &json!("localhost")), "{shown:#}");
    assert_eq!(processes_with(&marker), Vec::<String>::new(), "the request is answered");

    let request = look(app.address().to_owned(), viewer, "/v1/catalog/bundles/slow".to_owned());
    let request = tokio::spawn(async move { tokio::time::timeout(Duration::from_secs(60), request).await });
    until("the inspection is running", || !processes_with(&marker).is_empty()).await;
    app.kill();
    until("nothing is left of it", || processes_with(&marker).is_empty()).await;
    request.abort();
}

#[tokio::test]
async fn no_process_outlives_an_inspection_or_a_killed_service() {
    assert_nothing_outlives_a_look(in_process()).await;
    if can_sandbox() {
        assert_nothing_outlives_a_look(in_sandbox()).await;
    }
}

#[tokio::test]
async fn an_inspection_ends_when_its_caller_leaves() {
    let setup = in_process();
    let marker = marker(&setup);
    bundle(&setup, "slow", &format!("{}sleep 600\n", stray(&marker)));
    let app = guarded(setup).start();
    let viewer = token(&app, "viewer");
    let address = app.address().strip_prefix("http://").expect("HTTP").to_owned();
    let mut connection = TcpStream::connect(&address).expect("it listens");
    let request = format!(
        "GET /v1/catalog/bundles/slow HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {viewer}\r\n\r\n"
    );
    connection.write_all(request.as_bytes()).expect("it reads");
    until("the inspection is running", || !processes_with(&marker).is_empty()).await;
    drop(connection);
    until("nothing is left of it", || processes_with(&marker).is_empty()).await;
    until("its end is recorded", || inspected(&app).len() == 2).await;
    let ended = &inspected(&app)[1];
    assert_eq!(
        (&ended["status"], &ended["route"]),
        (&Value::Null, &json!("bundle `slow`: terminated, the caller left")),
        "{ended:#}"
    );
}

#[tokio::test]
async fn an_inspector_that_is_killed_leaves_nothing() {
    let setup = in_process();
    let marker = marker(&setup);
    // Identified by its environment: without control groups, nothing else identifies it.
    bundle(
        &setup,
        "slow",
        &format!("setsid sh -c 'sleep 600; true' {marker} >/dev/null 2>&1 &\nsleep 600\n"),
    );
    let mut app = guarded(setup).start();
    let viewer = token(&app, "viewer");
    let path = "/v1/catalog/bundles/slow".to_owned();
    let begin = |app: &TestApp| tokio::spawn(look(app.address().to_owned(), viewer.clone(), path.clone()));

    let request = begin(&app);
    until("the inspection is running", || !processes_with(&marker).is_empty()).await;
    inspectors(&app).into_iter().for_each(|pid| kill_process(pid, Signal::KILL).expect("the test owns it"));
    let (status, shown) = request.await.expect("it answers");
    assert!(status == 200 && shown["problem"].is_string(), "{status}: {shown:#}");
    assert_eq!(processes_with(&marker), Vec::<String>::new());

    // Both at once: the next service finds the remains.
    let request = begin(&app);
    until("the inspection is running", || !processes_with(&marker).is_empty()).await;
    let inspectors = inspectors(&app);
    inspectors.iter().for_each(|pid| kill_process(*pid, Signal::STOP).expect("the test owns it"));
    app.kill();
    inspectors.iter().for_each(|pid| kill_process(*pid, Signal::KILL).expect("the test owns it"));
    request.abort();
    assert!(!processes_with(&marker).is_empty(), "otherwise this shows nothing");
    app.start_again();
    until("nothing is left of it", || processes_with(&marker).is_empty()).await;
}

pub(super) async fn assert_limits_of_inspections_hold(setup: Setup) {
    let marker = marker(&setup);
    let files = setup.home().join("playbooks/bundles");
    let greedy = |bundle: &str, program: &str, most: &str| {
        let path = files.join(bundle).join("files").join(program);
        format!("python3 '{}' {marker} {most}\necho localhost\n", path.display())
    };
    bundle(&setup, "many", &greedy("forkbomb", "fork.py", "150"));
    bundle(&setup, "large", &greedy("memoryhog", "take.py", "300"));
    let parent =
        "p=$PPID\ngrep -q list-tasks /proc/$p/cmdline || p=$(awk '/^PPid/ {print $2}' /proc/$p/status)\n";
    bundle(&setup, "loud", &format!("{parent}exec yes {marker} >/proc/$p/fd/1\n"));
    let app = guarded(setup)
        .set("RANGEHAND__RUNS__MEMORY_MAX_BYTES", "220000000")
        .set("RANGEHAND__RUNS__PROCESSES_MAX", "60")
        .start();
    let viewer = token(&app, "viewer");
    for (bundle, part) in [("many", "processes"), ("large", "memory"), ("loud", "printed")] {
        let begun = Instant::now();
        let (found, problem) = look_as(&app, &viewer, &format!("/v1/catalog/bundles/{bundle}")).await;
        assert_eq!((found, &problem["code"]), (422, &json!("inspection_limit")), "{bundle}: {problem:#}");
        assert!(problem["detail"].as_str().is_some_and(|text| text.contains(part)), "{problem:#}");
        assert!(begun.elapsed() < Duration::from_secs(90), "{bundle}");
        assert_eq!(processes_with(&marker), Vec::<String>::new(), "{bundle}");
    }
    let status = fs::read_to_string(format!("/proc/{}/status", app.pid())).expect("it runs");
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a line");
    let most: u64 = most.trim().trim_end_matches("kB").trim().parse().expect("a number");
    assert!(most < 400_000, "{most} kB");
    assert_eq!(look_as(&app, &viewer, "/v1/catalog/bundles/ping").await.0, 200, "others are looked at");
}

pub(super) async fn assert_the_clock_ends_a_look(setup: Setup) {
    let marker = marker(&setup);
    bundle(&setup, "endless", &format!("{}sleep 600\n", stray(&marker)));
    let app = guarded(setup).set("RANGEHAND__RUNS__INSPECTION_TIMEOUT_S", "5").start();
    let viewer = token(&app, "viewer");
    let (status, problem) = look_as(&app, &viewer, "/v1/catalog/bundles/endless").await;
    assert_eq!((status, &problem["code"]), (504, &json!("inspection_timeout")), "{problem:#}");
    assert!(problem["detail"].as_str().is_some_and(|text| text.contains("longer than 5 s")), "{problem:#}");
    assert_eq!(processes_with(&marker), Vec::<String>::new());
}

#[tokio::test]
async fn limits_and_timeouts_end_an_inspection_and_the_reply_says_so() {
    assert_limits_of_inspections_hold(in_process()).await;
    assert_the_clock_ends_a_look(in_process()).await;
}

#[tokio::test]
async fn limits_and_timeouts_end_an_inspection_in_a_sandbox_too() {
    if can_sandbox() {
        assert_limits_of_inspections_hold(in_sandbox()).await;
        assert_the_clock_ends_a_look(in_sandbox()).await;
    }
}

#[tokio::test]
async fn other_files_that_content_reads_are_limited_too() {
    let setup = in_process();
    for (name, play) in [
        ("vars", "- hosts: all\n  vars_files: [huge.yml]\n  tasks: []\n"),
        ("tasks", "- hosts: all\n  tasks:\n    - ansible.builtin.import_tasks: huge.yml\n"),
        ("plays", "- ansible.builtin.import_playbook: huge.yml\n"),
    ] {
        setup.write(&format!("playbooks/bundles/huge/{name}/main.yml"), play);
        let path = format!("playbooks/bundles/huge/{name}/huge.yml");
        setup.write(&path, "# A hole of three gigabytes.\n");
        let file = fs::File::options().write(true).open(setup.home().join(&path)).expect("it is there");
        file.set_len(3 << 30).expect("sparse");
    }
    let app = guarded(setup)
        .set("RANGEHAND__RUNS__MEMORY_MAX_BYTES", "400000000")
        .set("RANGEHAND__RUNS__INSPECTION_TIMEOUT_S", "20")
        .start();
    let viewer = token(&app, "viewer");
    for name in ["vars", "tasks", "plays"] {
        let begun = Instant::now();
        let (status, shown) = look_as(&app, &viewer, &format!("/v1/catalog/bundles/huge/{name}")).await;
        assert!(begun.elapsed() < Duration::from_secs(40), "{name}: {:?}", begun.elapsed());
        let is_reported = matches!(status, 422 | 504) || status == 200 && shown["problem"].is_string();
        // Variable files of plays are read for hosts patterns only.
        assert!(is_reported || name == "vars", "{name}: {status} {shown:#}");
    }
}

#[tokio::test]
async fn an_inspection_is_in_the_audit_log_with_its_caller_and_outcome_and_a_list_is_not() {
    let setup = guarded(in_process());
    bundle(&setup, "sound", "echo localhost\n");
    bundle(&setup, "broken", "exit 3\n");
    let app = setup.start();
    let viewer = token(&app, "viewer");
    for list in ["playbooks", "bundles", "inventories"] {
        assert_eq!(look_as(&app, &viewer, &format!("/v1/catalog/{list}")).await.0, 200);
    }
    assert_eq!(look_as(&app, &viewer, "/v1/catalog/bundles/nowhere").await.0, 404);
    assert_eq!(look_as(&app, &viewer, "/v1/catalog/inventories/nowhere").await.0, 404);
    assert_eq!(inspected(&app), Vec::<Value>::new());
    for path in ["bundles/sound", "bundles/broken", "inventories/hosts"] {
        assert_eq!(look_as(&app, &viewer, &format!("/v1/catalog/{path}")).await.0, 200, "{path}");
    }
    until("the ends are recorded", || inspected(&app).len() == 6).await;
    let shown =
        |record: &Value| ["kind", "caller", "role", "route", "status"].map(|name| record[name].clone());
    let shown: Vec<Value> = inspected(&app).iter().map(|record| json!(shown(record))).collect();
    let mut expected = Vec::new();
    for (what, end, status) in [
        ("bundle `sound`", "exit code 0", 200),
        ("bundle `broken`", "exit code 4", 200),
        ("inventory `hosts`", "exit code 0", 200),
    ] {
        expected.push(json!(["intent", "viewer", "viewer", what, null]));
        expected.push(json!(["result", "viewer", "viewer", format!("{what}: {end}"), status]));
    }
    // What a broken playbook ends with is Ansible's business.
    let is_same =
        |(shown, expected): (&Value, &Value)| shown == expected || shown[3].to_string().contains("broken");
    assert!(shown.len() == 6 && shown.iter().zip(&expected).all(is_same), "{shown:#?}");
    assert!(shown[3][3].as_str().is_some_and(|route| route.starts_with("bundle `broken`: exit code ")));
    let verified = app.command().args(["audit", "verify"]).output().expect("it starts");
    assert!(verified.status.success());
}

#[tokio::test]
async fn looks_of_viewers_do_not_keep_an_operator_waiting() {
    let setup = in_process();
    let marker = marker(&setup);
    bundle(&setup, "slow", &format!("{}sleep 600\n", stray(&marker)));
    let app = guarded(setup).start();
    let (viewer, operator) = (token(&app, "viewer"), token(&app, "operator"));
    let slow = || look(app.address().to_owned(), viewer.clone(), "/v1/catalog/bundles/slow".to_owned());
    let requests: Vec<_> = (0..4).map(|_| tokio::spawn(slow())).collect();
    until("two inspections are running", || inspectors(&app).len() >= 2).await;
    let begun = Instant::now();
    assert_eq!(look_as(&app, &operator, "/v1/catalog/bundles/ping").await.0, 200);
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    assert_eq!(inspectors(&app).len(), 2, "no more of viewers at once");
    requests.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn progress_and_resume_previews_inspect_in_the_same_way() {
    let setup = in_process();
    let marker = marker(&setup);
    bundle(&setup, "stray", &format!("{}echo localhost\n", stray(&marker)));
    let play = fs::read_to_string(setup.home().join("playbooks/bundles/stray/main.yml")).expect("text");
    let play = play.replace("ansible.builtin.debug: {msg: x}", "ansible.builtin.fail: {msg: x}");
    setup.write("playbooks/bundles/stray/main.yml", &play);
    let app = setup.start();
    let job = app.run(&json!({"bundle": "stray", "inventory": "hosts"})).await;
    assert_eq!(job["state"], "failed", "{job:#}");
    let before = inspected(&app).len();
    let id = job["id"].as_str().expect("an id");
    app.post(&format!("/v1/jobs/{id}/resume?dry_run=true"), &Value::Null, 200).await;
    assert_eq!(processes_with(&marker), Vec::<String>::new());
    until("it is recorded", || inspected(&app).len() >= before + 2).await;
    let record = inspected(&app).pop().expect("a record");
    assert_eq!((&record["job"], &record["route"]), (&json!(id), &json!("bundle `stray`: exit code 0")));
}
