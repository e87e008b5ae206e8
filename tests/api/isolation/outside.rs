//! What a job can reach on its machine besides files: system services, programs that later runs execute, terminals of readers.
//! A sandbox protects all of them. The tests also show what holds at the level `process`, which is not a security boundary.

use std::{fs, os::unix::net::UnixListener, path::PathBuf};

use rustix::process::Signal;
use serde_json::{Value, json};
use testkit::{Job, Setup, TestApp, until};

use super::{can_sandbox, in_process, in_sandbox};
use crate::restart::{signal, supervisor};

/// Runs a program of Python on this machine. Returns the job and what it printed as JSON.
async fn python(app: &TestApp, name: &str, program: &str, more: Value) -> (Job, Value) {
    let play = json!([{
        "hosts": "localhost", "connection": "local", "gather_facts": false,
        "tasks": [
            {"name": "Try", "ansible.builtin.command": {"argv": ["{{ ansible_playbook_python }}", "-c", "{{ program }}"]},
             "register": "tried", "changed_when": false},
            {"name": "Say", "ansible.builtin.debug": {"var": "found"},
             "vars": {"found": "{{ tried.stdout | from_json }}"}},
        ],
    }]);
    app.write(&format!("playbooks/bundles/{name}/main.yml"), &play.to_string());
    let vars = json!({"program": format!("import json, os, sys\nmore = json.loads({:?})\n{program}", more.to_string())});
    let job = app.run(&json!({"bundle": name, "limit": "localhost", "extra_vars": vars})).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    let found = job.results().await["found"][0].clone();
    (job, found)
}

/// A listening socket in `/run`, such as system services have, in place of that of Docker. `None` if this user can't create
/// one.
struct Socket {
    path: PathBuf,
    _listener: UnixListener,
}

impl Socket {
    fn in_run() -> Option<Self> {
        let path = PathBuf::from(format!("/run/rangehand-test-{}.sock", std::process::id()));
        let listener = UnixListener::bind(&path).ok()?;
        Some(Self { path, _listener: listener })
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // Nothing else is to be done about it.
        let _ = fs::remove_file(&self.path);
    }
}

/// What lets a user have something done later, or by another: cron, at, systemd, D-Bus, Docker and its kin.
const REACH: &str = r#"
import socket
found = {"connected": [], "writable": []}
for path in more["sockets"]:
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.settimeout(5)
            one.connect(path)
        found["connected"].append(path)
    except OSError:
        pass
for path in more["places"]:
    if os.access(path, os.W_OK):
        found["writable"].append(path)
print(json.dumps(found))
"#;

fn reach(stand_in: &str) -> Value {
    json!({
        "sockets": [
            stand_in, "/run/docker.sock", "/var/run/docker.sock", "/run/containerd/containerd.sock", "/run/podman/podman.sock",
            "/run/systemd/private", "/run/systemd/notify", "/run/dbus/system_bus_socket", "/run/user/0/bus", "/run/crond.sock",
        ],
        "places": [
            "/var/spool/cron", "/var/spool/cron/crontabs", "/var/spool/cron/atjobs", "/var/spool/at", "/etc/crontab", "/etc/cron.d",
            "/etc/cron.hourly", "/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/etc/profile.d",
            "/etc/ld.so.preload", "/etc", "/usr/local/bin", "/var/lib",
        ],
    })
}

#[tokio::test]
#[expect(clippy::print_stderr, reason = "a test that shows nothing must not look like one that does")]
async fn a_run_in_a_sandbox_reaches_no_cron_at_systemd_or_docker() {
    if !can_sandbox() {
        return;
    }
    let Some(socket) = Socket::in_run() else {
        eprintln!("NOT TESTED: sockets of the system: this user cannot make one in /run");
        return;
    };
    let stand_in = socket.path.to_str().expect("UTF-8").to_owned();
    let app = in_sandbox().start();
    let (_, found) = python(&app, "reaching", REACH, reach(&stand_in)).await;
    assert_eq!(found, json!({"connected": [], "writable": []}));
    // Without a sandbox the same attempt succeeds: `process` is not a security boundary.
    let app = in_process().start();
    let (_, found) = python(&app, "reaching", REACH, reach(&stand_in)).await;
    assert!(found["connected"].as_array().expect("a list").contains(&json!(stand_in)), "{found:#}");
}

/// Programs that have something done later, tried for real: only in a sandbox.
#[tokio::test]
async fn what_a_sandboxed_run_hands_to_at_cron_and_systemd_is_never_executed() {
    if !can_sandbox() {
        return;
    }
    let app = in_sandbox().start();
    let sign = app.home().join("executed-later");
    let program = r#"
import shutil, subprocess
def tried(words, text=""):
    if shutil.which(words[0]) is None:
        return "missing"
    done = subprocess.run(words, input=text, text=True, capture_output=True, timeout=20)
    return "refused" if done.returncode else "taken"
sign = "/bin/touch " + more["sign"]
print(json.dumps({
    "at": tried(["at", "now"], sign),
    "crontab": tried(["crontab", "-"], "* * * * * " + sign + "\n"),
    "systemd-run": tried(["systemd-run", "--no-block", "/bin/touch", more["sign"]]),
    "docker": tried(["docker", "version"]),
}))
"#;
    let (_, found) = python(&app, "later", program, json!({"sign": sign})).await;
    for (name, became) in found.as_object().expect("an object") {
        assert_ne!(became, "taken", "{name}: {found:#}");
    }
    assert!(!sign.exists());
}

/// The directories where Python and Ansible search for programs.
const PROGRAMS: &str = r#"
import ansible, site, sysconfig
places = [os.path.dirname(ansible.__file__), sys.prefix, os.path.dirname(sys.executable), sysconfig.get_path("stdlib"),
          sysconfig.get_path("purelib"), os.path.dirname(os.path.dirname(os.__file__)), *more["places"]]
places += site.getsitepackages()
writable = []
for place in places:
    for here, directories, files in os.walk(place):
        directories[:] = [name for name in directories if name in ("__pycache__", "modules", "plugins", "callback", "collections", "roles")]
        for path in [here, *(os.path.join(here, name) for name in files)]:
            # Links lead elsewhere, and are judged there.
            if not os.path.islink(path) and os.access(path, os.W_OK):
                writable.append(path)
print(json.dumps({"writable": writable[:5], "seen": len(places)}))
"#;

#[tokio::test]
async fn a_run_in_a_sandbox_cannot_change_the_programs_of_later_runs() {
    if !can_sandbox() {
        return;
    }
    let app = in_sandbox().start();
    app.write(".ansible/roles/mine/tasks/main.yml", "[]");
    app.write(".ansible/collections/ansible_collections/mine/own/plugins/modules/x.py", "");
    let of_user = [".ansible/roles", ".ansible/collections"].map(|name| app.home().join(name));
    let (_, found) = python(&app, "programs", PROGRAMS, json!({"places": of_user})).await;
    assert_eq!(found["writable"], json!([]), "{found:#}");
    assert!(found["seen"].as_u64() > Some(8), "{found:#}");
}

/// Leaves plugins, a module, caches, sockets and Python's customization in the home.
const POISON: &str = r#"
poison = "open({!r}, 'w').close()\n".format(more["sign"])
home = os.environ["HOME"]
version = "python%d.%d" % sys.version_info[:2]
for path in [
    ".ansible/plugins/modules/ping.py", ".ansible/plugins/lookup/env.py", ".ansible/plugins/callback/default.py",
    ".ansible/plugins/action/debug.py", ".ansible/plugins/filter/poison.py", ".ansible/plugins/vars/poison.py",
    ".local/lib/%s/site-packages/usercustomize.py" % version, ".local/lib/%s/site-packages/ansible/__init__.py" % version,
    ".ansible/galaxy_cache/api.json", ".ansible/cp/socket", ".ansible.cfg",
]:
    path = os.path.join(home, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write("[defaults]\ncallbacks_enabled = poison\n" if path.endswith("cfg") else poison)
print(json.dumps({"home": home}))
"#;

async fn assert_a_home_is_not_handed_on(app: &TestApp) {
    let sign = app.home().join("poisoned");
    python(app, "poisoning", POISON, json!({"sign": sign})).await;
    // It is a home to its own run, which found its plugins there.
    let _ = fs::remove_file(&sign);
    for _ in 0..2 {
        let ping = app.run(&json!({"bundle": "ping", "limit": "localhost"})).await;
        assert_eq!(ping["state"], "succeeded", "{ping:#}");
    }
    assert!(!sign.exists(), "a later run executed what an earlier one left");
    for left in [".ansible/plugins", ".ansible/cp", ".ansible.cfg", ".local"] {
        assert!(!app.home().join(left).exists(), "{left} is in the user's home");
    }
}

#[tokio::test]
async fn what_a_run_leaves_in_its_home_is_executed_by_no_later_run() {
    assert_a_home_is_not_handed_on(&in_process().start()).await;
    if can_sandbox() {
        assert_a_home_is_not_handed_on(&in_sandbox().start()).await;
    }
}

/// The control characters in a text, colors and line ends excepted.
fn obeyed(text: &str) -> Vec<char> {
    let colors = regex::Regex::new("\u{1b}\\[[0-9;:]*m").expect("a pattern");
    let rest = colors.replace_all(text, "");
    rest.chars().filter(|c| c.is_control() && *c != '\n' && *c != '\t').collect()
}

#[tokio::test]
async fn a_terminal_that_shows_a_log_is_sent_nothing_that_it_obeys() {
    let app = TestApp::new();
    // A title, the clipboard, a device string, a status report, a screen cleared, a bell, an overwritten line; in 7 and 8 bits.
    let attack = r"before \u001b]0;owned\u0007\u001b]52;c;b3duZWQ=\u001b\\\u001bPowned\u001b\\\u001b[6n\u001b[2J\u0007\u0008\u009d0;owned\u009c\u009b2J\rafter";
    let play = format!(
        "- name: \"Play {attack}\"\n  hosts: localhost\n  connection: local\n  gather_facts: false\n  tasks:\n    \
         - name: \"Task {attack}\"\n      ansible.builtin.debug: {{msg: \"Said {attack}\"}}\n    \
         - name: Print\n      ansible.builtin.command: {{argv: [printf, '%b', \"{attack}\"]}}\n      changed_when: false\n    \
         - name: Fail\n      ansible.builtin.fail: {{msg: \"Failed {attack}\"}}\n"
    );
    app.write("playbooks/bundles/obeyed/main.yml", &play);
    let job = app.submit(&json!({"bundle": "obeyed", "limit": "localhost"})).await;
    let job = job.until_state("failed").await;
    let id = job["id"].as_str().expect("an id");
    for format in ["text", "ansi", "html"] {
        let path = format!("/v1/jobs/{id}/log?format={format}");
        let reply = app.send(reqwest::Method::GET, &path, None).await;
        let log = reply.text().await.expect("a text");
        assert!(log.contains("before") && log.contains("after"), "{log}");
        let colors = if format == "ansi" { log.clone() } else { log.replace('\u{1b}', "\0") };
        assert_eq!(obeyed(&colors), Vec::<char>::new(), "{format}: {log:?}");
    }
    // What reaches the log of the service: a path, a header, names in a request.
    let raw = "/v1/jobs/%1b%5d0;owned%07?x=%9b2J";
    app.send(reqwest::Method::GET, raw, None).await;
    for request in [
        json!({"bundle": "x\u{1b}]0;owned\u{7}"}),
        json!({"bundle": "obeyed", "limit": "a\u{9b}2J\u{1b}[2J"}),
    ] {
        app.send(reqwest::Method::POST, "/v1/jobs", Some(&request)).await;
    }
    let log = app.log();
    assert!(!log.is_empty() && obeyed(&log).is_empty(), "{:?}", obeyed(&log));
    assert!(!log.contains('\u{1b}'), "no terminal, no colors");
}

/// Leaves the groups, the session and the environment of its run, and stays.
const OUTLIVE: &str = r#"
import os, sys
if os.fork():
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
for line in open("/proc/self/mountinfo"):
    place, _, kind = line.partition(" - ")
    if kind.startswith("cgroup"):
        try:
            with open(place.split()[4] + "/cgroup.procs", "w") as group:
                group.write("0")
        except OSError:
            pass
os.chdir("/")
null = os.open(os.devnull, os.O_RDWR)
for descriptor in range(3):
    os.dup2(null, descriptor)
os.closerange(3, 256)
os.execve("/bin/sleep", ["sleep", sys.argv[1]], {})
"#;

async fn assert_nothing_outlives(app: &TestApp, seconds: &str) {
    app.write("playbooks/outlive.py", OUTLIVE);
    let script = "{{ playbook_dir }}/../../outlive.py";
    let play = json!([{
        "hosts": "localhost", "connection": "local", "gather_facts": false,
        "tasks": [
            {"name": "Leave", "ansible.builtin.command": {"argv": ["{{ ansible_playbook_python }}", script, seconds]}},
            {"name": "Wait", "ansible.builtin.command": "sleep 600"},
        ],
    }]);
    app.write("playbooks/bundles/outliving/main.yml", &play.to_string());
    let job = app.submit(&json!({"bundle": "outliving", "limit": "localhost"})).await;
    job.until_task("Wait").await;
    until("the attempt stays", || is_at_work(seconds)).await;
    // As the job itself could, as root.
    signal(supervisor(&app.run_directories()[0]), Signal::KILL);
    let lost = job.until_state("lost").await;
    assert!(!is_at_work(seconds), "it outlives its run: {lost:#}");
}

fn is_at_work(seconds: &str) -> bool {
    let sleeps = format!("sleep\0{seconds}\0").into_bytes();
    let processes = fs::read_dir("/proc").expect("there is a /proc").flatten();
    processes.filter_map(|process| fs::read(process.path().join("cmdline")).ok()).any(|line| line == sleeps)
}

/// Root can also leave the mount namespace of its run: docs/isolation.md documents it, and `doctor` recommends the sandbox.
#[tokio::test]
async fn what_left_its_groups_its_session_and_its_marker_ends_with_its_run() {
    let seconds = |number: u32| format!("36{number}.{}", std::process::id());
    assert_nothing_outlives(&in_process().start(), &seconds(1)).await;
    if can_sandbox() {
        assert_nothing_outlives(&in_sandbox().start(), &seconds(2)).await;
    }
}

#[tokio::test]
async fn doctor_recommends_the_sandbox_to_a_service_of_root_that_has_none() {
    if !can_sandbox() || !rustix::process::geteuid().is_root() {
        return;
    }
    let doctor = |setup: Setup| {
        let output = setup.command().args(["doctor"]).output().expect("it starts");
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    };
    assert!(doctor(in_process()).contains("`runs.isolation` to `sandbox`"), "{}", doctor(in_process()));
    assert!(!doctor(in_sandbox()).contains("`runs.isolation` to `sandbox`"));
}
