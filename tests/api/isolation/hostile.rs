//! Attacks by a job from within its run: settings of the kernel, links and FIFOs in place of its files, forged events. Each of
//! these worked once.

use std::fs;

use serde_json::{Value, json};
use testkit::{Job, TestApp, until};

use super::{can_sandbox, in_process, in_sandbox};

/// Sets `controller` to the process that runs the play, whose output is that of Ansible: the parent of the worker.
const CONTROLLER: &str = "worker={{ lookup('ansible.builtin.pipe', 'echo $PPID') }}
controller=$(sed 's/.*) //' /proc/$worker/stat | cut -d' ' -f2)";

/// A playbook of one shell task on this machine, and what the task printed.
async fn shell(app: &TestApp, name: &str, script: &str) -> (Job, String) {
    let play = json!([{
        "hosts": "localhost", "connection": "local", "gather_facts": false,
        "tasks": [
            {"name": "Try", "ansible.builtin.shell": script, "register": "tried", "changed_when": false},
            {"name": "Say", "ansible.builtin.debug": {"var": "tried.stdout"}},
        ],
    }]);
    app.write(&format!("playbooks/bundles/{name}/main.yml"), &play.to_string());
    let job = app.run(&json!({"bundle": name, "limit": "localhost"})).await;
    let results = job.results().await;
    let printed = results["tried.stdout"][0]["value"].as_str().or(results["tried.stdout"][0].as_str());
    (job, printed.map(str::to_owned).unwrap_or_else(|| results.to_string()))
}

#[tokio::test]
async fn a_run_in_a_sandbox_cannot_change_the_kernel() {
    if !can_sandbox() {
        return;
    }
    let app = in_sandbox().start();
    // Only queried, never tried: a defect of the sandbox must not change the machine of the tests.
    let script = r#"cat > "$ANSIBLE_LOCAL_TEMP/look.py" <<'PY'
import os
found = []
for top in sorted(os.listdir("/proc")):
    if top.isdigit() or os.path.islink("/proc/" + top):
        continue
    path = "/proc/" + top
    for here, directories, files in os.walk(path):
        found += [os.path.join(here, name) for name in files if os.access(os.path.join(here, name), os.W_OK)]
    if os.path.isfile(path) and os.access(path, os.W_OK):
        found.append(path)
for here, directories, files in os.walk("/sys/kernel"):
    found += [os.path.join(here, name) for name in files if os.access(os.path.join(here, name), os.W_OK)]
print("WRITABLE", len(found), " ".join(found[:5]))
print("SEEN", os.path.exists("/proc/sys/kernel/core_pattern"))
PY
python3 "$ANSIBLE_LOCAL_TEMP/look.py""#;
    let (job, printed) = shell(&app, "kernel", script).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    assert!(printed.contains("WRITABLE 0 ") && printed.contains("SEEN True"), "{printed}");
}

/// What a process may do to the program that any process was started from, and where descriptors of Ansible lead.
const REACHING: &str = r#"import glob, os

class FilterModule:
    def filters(self):
        return {"reach": self.reach}

    def reach(self, _value):
        # This is in the process that runs Ansible, which was forked outside of the sandbox.
        found = [path for path in glob.glob("/proc/[0-9]*/exe") + ["/proc/self/exe"] if os.access(path, os.W_OK)]
        with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
            devices = {line.split()[2] for line in mounts}
        for path in glob.glob("/proc/self/fd/*"):
            try:
                target, data = os.readlink(path), os.stat(path)
            except OSError:
                continue
            device = f"{os.major(data.st_dev)}:{os.minor(data.st_dev)}"
            # A file of the sandbox is on a device of the sandbox, and one of Ansible's own may be deleted.
            if os.path.isdir(path) or (os.path.isfile(path) and device not in devices):
                found.append(f"{path} -> {target}")
        with open("/proc/self/status", encoding="ascii") as status:
            held = [line.split() for line in status if line.startswith(("CapEff", "CapPrm", "CapAmb", "NoNew"))]
        found += [f"{name} {value}" for name, value in held if int(value, 16) != (name == "NoNewPrivs:")]
        return found
"#;

#[tokio::test]
async fn a_run_in_a_sandbox_reaches_nothing_through_the_process_of_ansible() {
    if !can_sandbox() {
        return;
    }
    for executor in ["warm", "runner"] {
        let app = in_sandbox().set("RANGEHAND__ANSIBLE__EXECUTOR", executor).start();
        app.write("playbooks/bundles/reaching/filter_plugins/reach.py", REACHING);
        let play = json!([{
            "hosts": "{{ 'localhost' if (1 | reach) == [] else 'reached:' ~ (1 | reach) | join(' ') }}",
            "gather_facts": false, "connection": "local",
            "tasks": [
                {"name": "Look", "ansible.builtin.debug": {"msg": "{{ 1 | reach }}"}},
                {"ansible.builtin.assert": {"that": ["(1 | reach) == []"], "fail_msg": "{{ 1 | reach }}"}},
            ],
        }]);
        app.write("playbooks/bundles/reaching/main.yml", &play.to_string());
        let job = app.run(&json!({"bundle": "reaching", "limit": "localhost"})).await;
        let events = job.events().await;
        assert_eq!(
            (&job["state"], &job["executor"]),
            (&json!("succeeded"), &json!(executor)),
            "{events:#?}\n{job:#}"
        );
    }
}

#[tokio::test]
async fn a_link_in_the_place_of_a_directory_of_the_run_deletes_nothing_outside() {
    if !can_sandbox() {
        return;
    }
    let app = in_sandbox().set("RANGEHAND__ANSIBLE__EXECUTOR", "runner").start();
    app.write("outside/kept.json", "{}");
    let outside = app.home().join("outside");
    // Lines of output are events, too: enough of them for a sweep while the link exists.
    let script = format!(
        r#"cd "$ANSIBLE_LOCAL_TEMP/../artifacts"/*/ && mv job_events moved && ln -s {} job_events
{CONTROLLER}
seq 2000 > "/proc/$controller/fd/1"
sleep 2
rm job_events && mv moved job_events && echo restored"#,
        outside.display()
    );
    let (job, printed) = shell(&app, "replacing", &script).await;
    assert!(printed.contains("restored") && job.events().await.len() > 600, "{printed}: {job:#}");
    assert!(outside.join("kept.json").exists(), "{job:#}");
}

#[tokio::test]
async fn a_fifo_in_the_place_of_a_file_of_the_run_does_not_stop_the_next_start() {
    if !can_sandbox() {
        return;
    }
    let mut app = in_sandbox().start();
    let script = "cd \"$ANSIBLE_LOCAL_TEMP/..\" && rm -f run && mkfifo run && rm -rf private/env; mkfifo private/env; \
                  touch \"$ANSIBLE_LOCAL_TEMP/../tmp-ready\"; sleep 600";
    let play = json!([{
        "hosts": "localhost", "connection": "local", "gather_facts": false,
        "tasks": [{"name": "Block", "ansible.builtin.shell": script}],
    }]);
    app.write("playbooks/bundles/blocking/main.yml", &play.to_string());
    let job = app.submit(&json!({"bundle": "blocking", "limit": "localhost"})).await;
    until("the job has planted its FIFO", || {
        app.secret_directories().iter().any(|directory| directory.join("tmp-ready").exists())
    })
    .await;
    let identity = fs::read(app.run_directories()[0].join("supervisor.json")).expect("readable");
    let identity: Value = serde_json::from_slice(&identity).expect("JSON");
    let supervisor = identity["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok()).expect("a pid");
    app.kill();
    let supervisor = rustix::process::Pid::from_raw(supervisor).expect("a pid");
    rustix::process::kill_process(supervisor, rustix::process::Signal::KILL).expect("the test owns it");
    app.start_again();
    app.hang_up();
    assert_eq!(job.until_state("lost").await["state"], "lost");
    let ping = app.run(&json!({"bundle": "ping", "limit": "localhost"})).await;
    assert_eq!(ping["state"], "succeeded", "{ping:#}");
    assert_eq!(app.get("/readyz", 200).await["status"], "ready");
}

#[tokio::test]
async fn output_of_a_task_that_looks_like_an_event_is_output() {
    let app = in_process().set("RANGEHAND__ANSIBLE__EXECUTOR", "warm").start();
    // To the terminal of Ansible itself, with all that a process of the run finds in its environment.
    let script = format!(
        "{CONTROLLER}{}",
        r#"
forged() {
  printf '{"runner_ident": "%s", "counter": %d, "uuid": "u", "event": "runner_on_ok", "stdout": "", "event_data": {"task": "forged", "host": "localhost", "res": {"forged": true}}}\n' "$1" "$2"
}
for ident in "$RANGEHAND_RUN" "$RANGEHAND_RUN-1"; do
  for counter in 1 2 99; do forged "$ident" "$counter" > "/proc/$controller/fd/1"; done
done
echo tried"#
    );
    let (job, printed) = shell(&app, "forging", &script).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    assert!(printed.contains("tried"), "{printed}");
    let events = job.events().await;
    assert!(events.iter().all(|event| event["task"] != "forged"), "{events:#?}");
    assert!(job.log().await.contains("forged"), "it is in the log, as what it is");
}
