//! Jobs reach the machines of their ranges by SSH, in both isolations, with both executors, and no other machines.

use serde_json::{Value, json};
use testkit::{Gate, TestApp, processes_with, until};

use super::{Range, can_make_machines, lab, play, service};
use crate::isolation::can_sandbox;

/// Asks the supervisor for connections as an attacker would, and prints the answers.
const ASKS: &str = "- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.script: asks.py
      args: {executable: \"{{ ansible_playbook_python }}\"}
      register: asked
    - ansible.builtin.debug: {var: asked.stdout_lines}
    - ansible.builtin.debug: {var: answers}
      vars: {answers: \"{{ asked.stdout | from_json }}\"}
";

/// The program: prints for each name what comes back, and what it finds of other runs and of the platform.
fn asks(app: &TestApp, names: &[String]) -> String {
    let (runtime, names) = (app.runtime().display(), json!(names));
    format!(
        r#"import glob, json, os, socket
sockets = glob.glob("{runtime}/*/connect")
answers = {{}}
for name in {names}:
    with socket.socket(socket.AF_UNIX) as supervisor:
        supervisor.connect(sockets[0])
        supervisor.sendall(name.encode() + b"\n")
        text, descriptors, _, _ = socket.recv_fds(supervisor, 4096, 1)
        banner = socket.socket(fileno=descriptors[0]).recv(4).decode() if descriptors else None
        answers[name] = banner or text.decode()
print(json.dumps({{"answers": answers, "sockets": len(sockets), "keys": len(glob.glob("{runtime}/*/inventories/*/key")),
    "seen": [path for path in ("{runtime}/platform-local", "{home}/var") if os.path.exists(path)]}}))
"#,
        home = app.home().display()
    )
}

/// The machines that a job reached, with their addresses there.
pub(super) async fn reached(app: &TestApp, inventory: &str, isolation: &str) -> Vec<(String, String)> {
    let job = app.run(&json!({"bundle": "remote", "inventory": inventory, "isolation": isolation})).await;
    assert_eq!(job["state"], "succeeded", "{job:#}\n{}", job.log().await);
    assert_eq!(job["isolation"], isolation, "{job:#}");
    let results = job.results().await;
    let result = |result: &Value| {
        let text = |name: &str| result[name].as_str().expect("a text").to_owned();
        (text("host"), text("address"))
    };
    let mut found: Vec<_> =
        results["remote"].as_array().expect("a value per host").iter().map(result).collect();
    found.sort();
    found
}

pub(super) fn expected(octet: u8) -> Vec<(String, String)> {
    [("db", "2.10"), ("gw", "1.1"), ("web", "1.10")]
        .map(|(name, rest)| (name.to_owned(), format!("10.{octet}.{rest}")))
        .into()
}

async fn every_isolation_reaches_the_machines(executor: &str, octet: u8) {
    if !can_make_machines() || !can_sandbox() {
        return;
    }
    let app = service("process", executor).set("RANGEHAND__RUNS__SANDBOX_NETWORK", "false").start();
    let range = Range::create(&app, &lab("lab", octet)).await;
    for isolation in ["process", "sandbox"] {
        assert_eq!(reached(&app, &range.inventory(), isolation).await, expected(octet), "{isolation}");
        assert_eq!(app.secret_directories(), Vec::<std::path::PathBuf>::new(), "{isolation}");
    }
    range.destroy().await;
}

#[tokio::test]
async fn a_job_reaches_the_machines_of_a_range_in_every_isolation() {
    every_isolation_reaches_the_machines("warm", 90).await;
}

#[tokio::test]
async fn a_job_by_ansible_runner_reaches_the_machines_of_a_range_in_every_isolation() {
    every_isolation_reaches_the_machines("runner", 91).await;
}

#[tokio::test]
async fn a_sandboxed_job_gets_connections_to_machines_of_its_ranges_and_to_nothing_else() {
    if !can_make_machines() || !can_sandbox() {
        return;
    }
    let app = service("process", "warm").set("RANGEHAND__RUNS__MAX_CONCURRENT", "2").start();
    let (own, other) =
        (Range::create(&app, &lab("own", 92)).await, Range::create(&app, &lab("other", 93)).await);
    // A job of the other range is connected to its machines meanwhile.
    let gate = Gate::new(&app);
    let held = json!({"bundle": "remote", "inventory": other.inventory(), "isolation": "process",
                      "extra_vars": {"gate": gate.path()}});
    let held = app.submit(&held).await;
    held.until_task("Wait for the gate").await;

    let name = |range: &Range<'_>, machine: &str| format!("range-{}/{machine}", range.id);
    let foreign = [
        name(&other, "web"),
        name(&own, "../../other/web"),
        name(&own, "web x"),
        format!("range-{}", own.id),
        "10.93.1.10:22".to_owned(),
        String::new(),
    ];
    let names: Vec<String> = [name(&own, "web")].into_iter().chain(foreign.clone()).collect();
    app.write("playbooks/asks.py", &asks(&app, &names));
    let request =
        json!({"inventory": ["hosts", own.inventory()], "limit": "localhost", "isolation": "sandbox"});
    let job = play(&app, ASKS, &request).await;
    let found = job.results().await["answers"][0].clone();
    assert_eq!(found["answers"][&names[0]], "SSH-", "{found:#}");
    for name in &foreign {
        let answer = found["answers"][name].as_str().expect("an answer");
        assert!(answer.contains("is no machine of the ranges of this job"), "{name}: {answer}");
    }
    assert_eq!(
        (&found["sockets"], &found["keys"]),
        (&json!(1), &json!(1)),
        "those of other runs are not seen"
    );
    assert_eq!(found["seen"], json!([]), "nor the state of the platform and of the service");

    gate.open();
    held.until_state("succeeded").await;
    own.destroy().await;
    other.destroy().await;
}

#[tokio::test]
async fn a_canceled_job_leaves_no_connection_and_no_socket() {
    if !can_make_machines() {
        return;
    }
    let app = service("process", "warm").start();
    let range = Range::create(&app, &lab("lab", 94)).await;
    let gate = Gate::new(&app);
    let request =
        json!({"bundle": "remote", "inventory": range.inventory(), "extra_vars": {"gate": gate.path()}});
    let job = app.submit(&request).await;
    job.until_task("Wait for the gate").await;
    let masters = || {
        let runtime = app.runtime().to_string_lossy().into_owned();
        processes_with(&runtime).into_iter().filter(|process| process.contains("[mux]")).count()
    };
    assert_eq!(masters(), 3, "a connection to each machine");
    assert_eq!(job.cancel().await["state"], "canceled");
    until("its connections have ended", || masters() == 0).await;
    range.destroy().await;
}

#[tokio::test]
async fn a_machine_that_is_gone_is_unreachable_with_the_reason_of_the_platform() {
    if !can_make_machines() {
        return;
    }
    let app = service("process", "warm").start();
    let range = Range::create(&app, &lab("lab", 95)).await;
    let gate = Gate::new(&app);
    // The job knows the machines; then they are removed, before it connects to them.
    app.write(
        "playbooks/late.yml",
        "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - name: Wait\n      ansible.builtin.wait_for: {path: \"{{ gate }}\", timeout: 300}\n\
         - hosts: web\n  gather_facts: false\n  tasks:\n    - ansible.builtin.ping: {}\n",
    );
    let request = json!({"playbook": "late", "inventory": ["hosts", range.inventory()], "extra_vars": {"gate": gate.path()}});
    let job = app.submit(&request).await;
    job.until_task("Wait").await;
    range.destroy().await;
    gate.open();
    let job = job.wait().await;
    assert_eq!(
        (&job["state"], &job["reason"]["code"]),
        (&json!("failed"), &json!("host_unreachable")),
        "{job:#}"
    );
    let warning = &job["warnings"][0];
    assert_eq!((&warning["code"], &warning["total"]), (&json!("machine_unreachable"), &json!(1)), "{job:#}");
    let why = warning["machines"][0]["why"].as_str().expect("a text");
    assert!(why.contains("does not exist"), "{why}");
}
