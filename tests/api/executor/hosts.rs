//! Fork servers: shared, replaced when they have exited or are out of date, and bypassed when they fail.

use std::{
    fs::{self, File},
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    time::Instant,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use testkit::{Gate, TestApp, WAIT_LIMIT, bin_dir, processes_with_environment, until};

use super::with;

/// All processes of this machine, by number.
pub(super) fn processes() -> impl Iterator<Item = i32> {
    let numbers = fs::read_dir("/proc").expect("there is a /proc").flatten();
    numbers.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The hosts of a service, by number.
pub(super) fn hosts_of(app: &TestApp) -> Vec<i32> {
    let is_host = |pid: &i32| {
        let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        parent(*pid) == Some(app.pid()) && String::from_utf8_lossy(&command).contains("exec(os.read(0")
    };
    processes().filter(is_host).collect()
}

/// The parent of a process that lives.
pub(super) fn parent(pid: i32) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?;
    (state != "Z").then(|| fields.next()?.parse().ok()).flatten()
}

/// The supervisor that the one host of a service keeps for the next run, by number; waits for it.
pub(super) async fn spare_of(app: &TestApp) -> i32 {
    let [host] = hosts_of(app)[..] else { panic!("one host") };
    let find = || {
        processes().find(|pid| {
            let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            name == "rangehand-spare\n" && parent(*pid) == Some(host)
        })
    };
    until("a supervisor waits for a run", || find().is_some()).await;
    find().expect("nothing was asked for meanwhile")
}

fn kill(pid: i32) {
    signal(pid, Signal::KILL);
}

pub(super) fn signal(pid: i32, signal: Signal) {
    // It may have exited by itself.
    let _ = kill_process(Pid::from_raw(pid).expect("a pid"), signal);
}

fn ping() -> Value {
    json!({"bundle": "ping", "limit": "localhost"})
}

/// Stops the service. All processes that its fork servers started must have exited then. They have the home of the service.
async fn assert_nothing_is_left(app: &mut TestApp) {
    app.stop();
    let home = format!("HOME={}", app.home().display());
    until("no process of a host is left", || processes_with_environment(&home).is_empty()).await;
}

async fn assert_runs_warm(app: &TestApp) {
    let job = app.run(&ping()).await;
    assert_eq!((&job["state"], &job["executor"]), (&json!("succeeded"), &json!("warm")), "{job:#}");
}

async fn setting(app: &TestApp, name: &str) -> (Value, Value) {
    app.write(
        "playbooks/bundles/setting/main.yml",
        "- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.debug: {var: setting}\n      vars: {setting: \
         \"{{ lookup('ansible.builtin.config', name) }}\"}\n",
    );
    let job =
        app.run(&json!({"bundle": "setting", "limit": "localhost", "extra_vars": {"name": name}})).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    (job.results().await["setting"][0].clone(), job["executor"].clone())
}

#[tokio::test]
async fn many_jobs_at_once_share_one_host() {
    let setup = with("warm").set("RANGEHAND__LOG__FILTER", "info,ansible=debug");
    let app = setup.set("RANGEHAND__RUNS__MAX_CONCURRENT", "4").start();
    let mut jobs = Vec::new();
    for _ in 0..4 {
        jobs.push(app.submit(&ping()).await);
    }
    for job in &jobs {
        assert_eq!(job.until_state("succeeded").await["executor"], "warm");
    }
    assert_eq!(app.log().matches("Ansible is imported, ready for runs").count(), 1);
    assert_eq!(hosts_of(&app).len(), 1);
}

#[tokio::test]
async fn a_host_that_is_killed_is_replaced_and_no_job_fails() {
    let mut app = with("warm").set("RANGEHAND__RUNS__MAX_CONCURRENT", "4").start();
    assert_runs_warm(&app).await;
    let [first] = hosts_of(&app)[..] else { panic!("one host") };
    kill(first);
    assert_runs_warm(&app).await;
    assert!(!hosts_of(&app).contains(&first));
    // In the middle of launches.
    let mut jobs = Vec::new();
    for _ in 0..6 {
        let host = hosts_of(&app).first().copied();
        jobs.push(app.submit(&ping()).await);
        if let Some(host) = host {
            kill(host);
        }
    }
    for job in &jobs {
        let job = job.until_state("succeeded").await;
        assert_eq!((&job["attempt"], &job["rc"]), (&json!(1), &json!(0)), "{job:#}");
    }
    // One that was killed while it began is not tried again at once.
    let begun = Instant::now();
    while app.run(&ping()).await["executor"] != "warm" {
        assert!(begun.elapsed() < WAIT_LIMIT, "there is no fork server");
    }
    assert_nothing_is_left(&mut app).await;
}

#[tokio::test]
async fn a_host_that_is_stopped_is_replaced_and_no_job_fails() {
    let mut app = with("warm").start();
    assert_runs_warm(&app).await;
    let [first] = hosts_of(&app)[..] else { panic!("one host") };
    spare_of(&app).await;
    signal(first, Signal::STOP);
    // This one has a supervisor already. The next one times out, then gets another fork server.
    assert_runs_warm(&app).await;
    assert_runs_warm(&app).await;
    until("the stopped fork server has exited", || parent(first).is_none()).await;
    assert_nothing_is_left(&mut app).await;
}

#[tokio::test]
async fn a_supervisor_that_is_killed_before_it_has_a_run_fails_no_job() {
    let mut app = with("warm").start();
    assert_runs_warm(&app).await;
    let killed = spare_of(&app).await;
    kill(killed);
    until("it has exited", || parent(killed).is_none()).await;
    assert_runs_warm(&app).await;
    let spare = spare_of(&app).await;
    assert_nothing_is_left(&mut app).await;
    until("the idle supervisor exits with its service", || parent(spare).is_none()).await;
}

/// The next run has a supervisor, whose child with Ansible imported is sent this signal first.
async fn assert_ansible_runner_runs_after(sent: Signal) {
    let mut app = with("warm").start();
    assert_runs_warm(&app).await;
    let spare = spare_of(&app).await;
    let [child] = processes().filter(|pid| parent(*pid) == Some(spare)).collect::<Vec<_>>()[..] else {
        panic!("one child")
    };
    signal(child, sent);
    let job = app.run(&ping()).await;
    assert_eq!((&job["state"], &job["executor"]), (&json!("succeeded"), &json!("runner")), "{job:#}");
    until("the child has exited", || parent(child).is_none()).await;
    assert_runs_warm(&app).await;
    assert_nothing_is_left(&mut app).await;
}

#[tokio::test]
async fn ansible_runner_runs_when_the_child_with_ansible_imported_was_killed() {
    assert_ansible_runner_runs_after(Signal::KILL).await;
}

#[tokio::test]
async fn ansible_runner_runs_when_the_child_with_ansible_imported_was_stopped() {
    assert_ansible_runner_runs_after(Signal::STOP).await;
}

#[tokio::test]
async fn a_supervisor_that_ends_before_it_got_its_specification_is_replaced() {
    let app = with("warm").set("RANGEHAND__LOG__FILTER", "info,ansible=debug").start();
    assert_runs_warm(&app).await;
    let spare = spare_of(&app).await;
    signal(spare, Signal::STOP);
    // More than fits into a pipe: the specification can't be passed while the supervisor is stopped.
    let request =
        json!({"bundle": "ping", "limit": "localhost", "extra_vars": {"long": "x".repeat(200_000)}});
    let job = app.submit(&request).await;
    let given = format!("a supervisor has a run pid={spare} ");
    until("it was given the run", || app.log().contains(&given)).await;
    kill(spare);
    let job = job.until_state("succeeded").await;
    assert_eq!((&job["attempt"], &job["executor"]), (&json!(1), &json!("runner")), "{job:#}");
}

#[tokio::test]
async fn a_changed_configuration_counts_for_the_next_job() {
    let app = with("warm").start();
    for timeout in [33, 44] {
        app.write("playbooks/ansible.cfg", &format!("[defaults]\ntimeout = {timeout}\n"));
        assert_eq!(setting(&app, "DEFAULT_TIMEOUT").await, (json!(timeout), json!("warm")));
    }
    fs::remove_file(app.home().join("playbooks/ansible.cfg")).expect("the test owns it");
    assert_eq!(setting(&app, "DEFAULT_TIMEOUT").await, (json!(10), json!("warm")));
}

#[tokio::test]
async fn a_run_with_other_settings_than_its_host_is_run_by_ansible_runner() {
    let app = with("warm").start();
    let path = app.home().join("playbooks/ansible.cfg");
    app.write("playbooks/ansible.cfg", "[defaults]\ntimeout = 33\n");
    let then = path.metadata().expect("it is there").modified().expect("a time");
    assert_eq!(setting(&app, "DEFAULT_TIMEOUT").await, (json!(33), json!("warm")));
    // The change leaves no trace in the file's metadata. The run detects it by the different value.
    app.write("playbooks/ansible.cfg", "[defaults]\ntimeout = 44\n");
    let file = File::options().write(true).open(&path).expect("the test owns it");
    file.set_modified(then).expect("the test owns it");
    assert_eq!(setting(&app, "DEFAULT_TIMEOUT").await, (json!(44), json!("runner")));
}

/// A directory of programs whose `ansible-playbook` belongs to another Python, which lacks ansible-runner.
fn foreign_programs(directory: &Path) {
    fs::create_dir(directory).expect("writable");
    symlink(bin_dir().join("ansible-runner"), directory.join("ansible-runner")).expect("writable");
    let playbook = directory.join("ansible-playbook");
    let true_one = bin_dir().join("ansible-playbook");
    let text = format!(
        "#!/usr/bin/python3\nimport os, sys\nos.execv({:?}, sys.argv)\n",
        true_one.to_str().expect("UTF-8")
    );
    fs::write(&playbook, text).expect("writable");
    fs::set_permissions(&playbook, fs::Permissions::from_mode(0o755)).expect("the test owns it");
}

#[tokio::test]
async fn without_a_python_that_has_everything_ansible_runner_runs_and_the_log_says_why() {
    let setup = with("warm");
    let directory = setup.home().join("bin");
    foreign_programs(&directory);
    let app = setup.set("RANGEHAND__ANSIBLE__BIN_DIR", directory.to_str().expect("UTF-8")).start();
    for _ in 0..2 {
        let job = app.run(&ping()).await;
        assert_eq!((&job["state"], &job["executor"]), (&json!("succeeded"), &json!("runner")), "{job:#}");
    }
    let log = app.log();
    assert_eq!(log.matches("Ansible cannot be kept imported").count(), 1, "{log}");
    assert!(log.contains("No module named 'ansible"), "{log}");
    assert_eq!(hosts_of(&app), Vec::<i32>::new());
}

#[tokio::test]
async fn a_warm_run_continues_without_its_service_and_its_fork_server() {
    let mut app = with("warm").start();
    let (gate, marks) = (Gate::new(&app), app.home().join("marks"));
    let vars = json!({"gate": gate.path(), "marks": marks});
    let request = json!({"bundle": "marks", "limit": "localhost", "extra_vars": vars});
    let job = app.submit(&request).await;
    job.until_task("Wait for the gate").await;
    let [host] = hosts_of(&app)[..] else { panic!("one host") };
    app.kill();
    until("the fork server exits with its service", || parent(host).is_none()).await;
    gate.open();
    app.start_again();
    let job = job.until_state("succeeded").await;
    assert_eq!((&job["executor"], &job["attempt"]), (&json!("warm"), &json!(1)), "{job:#}");
    assert_eq!(job.results().await["marked"], json!([10]));
    assert_nothing_is_left(&mut app).await;
}
