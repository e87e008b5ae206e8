//! Ranges whose machines are guests: systems with systemd of their own, from the template that `./test.sh` makes.

mod bundles;
mod faults;
mod life;

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Setup, TestApp, processes_with, template, until};

/// A service whose platform `local` has the template `debian-12`, by the default settings. `None` where there can be no guests, which
/// is printed.
#[expect(clippy::print_stderr, reason = "a test that shows nothing says so")]
pub(crate) async fn start(setup: Setup) -> Option<TestApp> {
    let template = template()?;
    let app = setup.start();
    let templates = app.home().join("var/platforms/local/templates");
    fs::create_dir_all(&templates).expect("writable");
    symlink(template, templates.join("debian-12")).expect("writable");
    let response = app.send(Method::GET, "/v1/platforms/local", None).await;
    let described: Value = response.json().await.expect("JSON");
    let kinds = described["accepts"]["kinds"].as_array();
    if !kinds.is_some_and(|kinds| kinds.contains(&json!("guest"))) {
        eprintln!("NOT TESTED: guests of ranges: {described:#}");
        return None;
    }
    assert!(described["accepts"]["templates"]["debian-12"].is_object(), "{described:#}");
    Some(app)
}

/// A router, and two guests on its two networks.
fn office(octet: u8) -> Value {
    json!({
        "name": "office", "platform": "local",
        "networks": {
            "dmz": {"cidr": format!("10.{octet}.1.0/24")},
            "inside": {"cidr": format!("10.{octet}.2.0/24")},
        },
        "machines": {
            "gw": {"kind": "namespace", "role": "router", "networks": ["dmz", "inside"]},
            "web": {"template": "debian-12", "networks": ["dmz"], "groups": ["guests"]},
            "db": {"template": "debian-12", "networks": ["inside"], "memory_mb": 512, "groups": ["guests"]},
        },
        "rules": [{"from": "dmz", "to": "inside", "allow": ["tcp/22", "icmp"]}],
    })
}

/// The directory of what runs of the platform.
fn run(app: &TestApp) -> PathBuf {
    app.runtime().join("platform-local")
}

/// The directory of what runs of a machine of the only range.
fn machine(app: &TestApp, name: &str) -> PathBuf {
    let only = |directory: PathBuf| {
        let mut entries = fs::read_dir(&directory).expect("it exists").flatten();
        entries.next().expect("it has an entry").path()
    };
    only(only(run(app))).join("machines").join(name)
}

/// The files of guests.
fn files(app: &TestApp) -> PathBuf {
    app.home().join("var/platforms/local/guests")
}

/// The first process of a machine.
fn first_process(app: &TestApp, name: &str) -> String {
    let record = fs::read_to_string(machine(app, name).join("init")).expect("it runs");
    record.split(' ').next().expect("a number").to_owned()
}

/// The names of the control groups of guests.
fn control_groups(app: &TestApp, names: &[&str]) -> Vec<String> {
    let group = |name: &&str| {
        let groups =
            fs::read_to_string(format!("/proc/{}/cgroup", first_process(app, name))).expect("it runs");
        let mut parts = groups.split(['/', '\n']);
        parts.find(|part| part.starts_with("rangehand-")).expect("a group of its own").to_owned()
    };
    names.iter().map(group).collect()
}

/// Runs a shell command on this machine, which must succeed.
fn sh(command: &str) -> String {
    let output = Command::new("sh").args(["-c", command]).output().expect("a shell");
    assert!(output.status.success(), "{command}\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Nothing of any range is left: no directory, mount, process, or control group.
async fn assert_nothing_left(app: &TestApp, groups: &[String]) {
    let runtime = app.runtime().to_string_lossy().into_owned();
    until("no process is left", || processes_with(&runtime).is_empty()).await;
    assert!(!run(app).exists(), "{} is left", run(app).display());
    let left: Vec<_> =
        fs::read_dir(files(app)).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    assert_eq!(left, Vec::<PathBuf>::new(), "files of guests are left");
    let mounts = fs::read_to_string("/proc/self/mountinfo").expect("readable");
    assert!(!mounts.contains(&*runtime), "{mounts}");
    for group in groups {
        let found = sh(&format!("find /sys/fs/cgroup -maxdepth 2 -name '{group}'"));
        assert_eq!(found, "", "a control group is left");
    }
}

/// Things on this machine that are not Rangehand's: a bridge, a namespace, a table of nftables, and a guest of systemd-nspawn.
struct Foreign {
    name: String,
}

impl Foreign {
    fn plant(template: &Path) -> Self {
        let foreign = Self { name: format!("theirs{}", std::process::id()) };
        let (name, template) = (&foreign.name, template.canonicalize().expect("it exists"));
        sh(&format!(
            "ip link add {name} type bridge && ip netns add {name} && ip -n {name} link add rangehand type bridge && \
             nft add table inet {name} && nft add chain inet {name} forward"
        ));
        let script = "for place in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
               if [ -e $place/cgroup.procs ]; then mkdir $place/$0 && echo $$ >$place/$0/cgroup.procs; fi
             done
             exec systemd-nspawn --quiet --keep-unit --register=no --machine=$0 --directory=$1 --read-only --private-network \
               --as-pid2 --link-journal=no --resolv-conf=off --timezone=off sleep 1000";
        let quiet = std::process::Stdio::null;
        Command::new("unshare")
            .args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", script, name])
            .arg(template)
            .stdin(quiet())
            .stdout(quiet())
            .stderr(quiet())
            .spawn()
            .expect("unshare");
        foreign
    }

    /// The processes of the guest.
    fn processes(&self) -> Vec<String> {
        let all = processes_with(&format!("--machine={}", self.name));
        all.into_iter().filter(|process| !process.contains("unshare")).collect()
    }

    /// Everything of it, as the tools of the system list it.
    fn list(&self) -> String {
        let name = &self.name;
        let listed = sh(&format!(
            "ip -o link show {name}; ip -n {name} -o link; nft list table inet {name}; ls -d /sys/fs/cgroup/*/{name} /sys/fs/cgroup/{name} 2>/dev/null || true"
        ));
        format!("{listed}{:?}", self.processes())
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        let name = &self.name;
        for process in processes_with(&format!("{name} ")) {
            let pid = process.trim_start_matches("/proc/").split(':').next().unwrap_or_default().to_owned();
            let _ = Command::new("kill").args(["-9", &pid]).status();
        }
        let script = format!(
            "ip link delete {name}; ip netns delete {name}; nft delete table inet {name}; sleep 0.2; \
             find /sys/fs/cgroup -depth -type d -path '*/{name}*' -exec rmdir {{}} +"
        );
        let _ = Command::new("sh").args(["-c", &script]).stderr(std::process::Stdio::null()).status();
    }
}
