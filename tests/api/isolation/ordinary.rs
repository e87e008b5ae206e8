//! A service that runs as an unprivileged user: everything works as for root, and other processes of that user can't read its
//! memory.
//!
//! The tests start it with the user ID of `nobody`. Without root they print that they are skipped: the other tests then run as
//! an unprivileged user anyway.

use std::{
    os::unix::fs::MetadataExt,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::json;
use testkit::{Gate, Setup, bin_dir, program, until};

use super::{can_sandbox_through, in_process, in_sandbox, inspection, limits, seccomp, view};
use crate::content::{
    Way, artifacts::assert_artifacts_are_kept, persistent::assert_a_password_stays,
    untouched::assert_nothing_is_touched, view::assert_it_is_as_the_owner_has_it,
};

/// The user ID of `nobody` on every Linux.
const USER_ID: u32 = 65534;

/// Puts a directory whose parents are closed to others (`$0`, below `$1`) into an open place of the same name.
const OPEN: &str = "exec 3<\"$0\"; mount -t tmpfs -o mode=755 tmpfs \"$1\" && mkdir -p \"$0\" && \
                    mount --no-canonicalize --bind /proc/self/fd/3 \"$0\" && shift && exec 3<&- && exec \"$@\"";

/// What starts a program as that user.
pub(crate) fn through() -> Vec<String> {
    let user = [format!("--reuid={USER_ID}"), format!("--regid={USER_ID}")];
    let words = ["setpriv", "--clear-groups", "--inh-caps=-all"].map(str::to_owned).into_iter().chain(user);
    // The Python of the user that runs the tests can be in a private home directory.
    let python = bin_dir().join("python3").canonicalize().expect("there is a Python");
    let base = python.ancestors().nth(2).expect("it is in `bin`");
    let is_closed = |path: &&Path| path.metadata().is_ok_and(|found| found.mode() & 1 == 0);
    let Some(closed) = base.ancestors().collect::<Vec<_>>().into_iter().rev().find(is_closed) else {
        return words.collect();
    };
    let paths = [base, closed].map(|path| path.to_str().expect("UTF-8").to_owned());
    let open = ["unshare", "--mount", "sh", "-c", OPEN].map(str::to_owned).into_iter().chain(paths);
    open.chain(words).collect()
}

/// Whether programs can be started as that user. Prints the reason if not.
#[expect(clippy::print_stderr, reason = "a test that shows nothing must not look like one that does")]
pub(crate) fn can_change_user() -> bool {
    let why = if !rustix::process::geteuid().is_root() {
        Some("only root can become another user".to_owned())
    } else {
        let programs = [bin_dir().join("ansible-runner"), program()];
        programs.iter().find_map(|program| {
            // Through `env`, which searches for the program without privileges.
            let output = command_of_user(Path::new("/usr/bin/env")).arg(program).arg("--version").output();
            let output = output.expect("there is a setpriv");
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            (!output.status.success()).then(|| format!("{} does not start: {said}", program.display()))
        })
    };
    if let Some(why) = &why {
        eprintln!("NOT TESTED: a service of an ordinary user: {why}");
    }
    why.is_none()
}

/// A service of that user, who has no home: Ansible's modules for this machine need another place.
pub(crate) fn as_another_user(setup: Setup) -> Setup {
    let modules = setup.home().join("modules").to_string_lossy().into_owned();
    setup.run_by(USER_ID, through()).set("RANGEHAND__ANSIBLE__ENVIRONMENT__ANSIBLE_REMOTE_TMP", modules)
}

/// A command of that user.
fn command_of_user(program: &Path) -> Command {
    let through = through();
    let mut command = Command::new(&through[0]);
    command.args(&through[1..]).arg(program).env_clear();
    command
}

#[tokio::test]
async fn jobs_of_an_ordinary_user_run_and_are_kept_to_what_the_user_may() {
    if !can_change_user() {
        return;
    }
    let app = as_another_user(in_process()).start();
    let state = app.home().join("var");
    let paths = ["/etc/shadow", "/usr/bin", "/tmp", "/etc", state.to_str().expect("UTF-8")];
    let found = view(&app, &paths, None).await;
    assert_eq!(found["user"], USER_ID, "{found:#}");
    assert_eq!(found["capabilities"], "0000000000000000");
    assert_eq!((&found["no_new_privileges"], &found["core"]), (&json!("1"), &json!(0)));
    assert_eq!(found["readable"], json!(["/usr/bin", "/tmp", "/etc", paths[4]]));
    assert_eq!(found["writable"], json!(["/tmp", paths[4]]), "`process` is no wall");
}

#[tokio::test]
async fn jobs_of_an_ordinary_user_run_in_a_sandbox() {
    if !can_change_user() || !can_sandbox_through(&through()) {
        return;
    }
    let app = in_sandbox().run_by(USER_ID, through()).start();
    let state = app.home().join("var");
    let paths = ["/etc/shadow", "/usr/bin", "/var/lib", "/tmp", "/usr", state.to_str().expect("UTF-8")];
    let found = view(&app, &paths, None).await;
    assert_eq!(found["user"], USER_ID, "{found:#}");
    assert_eq!(found["capabilities"], "0000000000000000");
    assert_eq!((&found["no_new_privileges"], &found["core"]), (&json!("1"), &json!(0)));
    let readable = found["readable"].as_array().expect("a list");
    assert!(readable.contains(&json!("/usr/bin")), "{found:#}");
    for hidden in ["/etc/shadow", "/var/lib", paths[5]] {
        assert!(!readable.contains(&json!(hidden)), "{hidden}: {found:#}");
    }
    assert_eq!(found["writable"], json!(["/tmp"]));
    let processes = found["processes"].as_array().expect("a list");
    assert!(processes.len() < 20 && processes[0] == 1, "{found:#}");
}

#[tokio::test]
async fn attacks_on_the_kernel_are_refused_in_a_sandbox_of_an_ordinary_user() {
    if !can_change_user() || !can_sandbox_through(&through()) {
        return;
    }
    for executor in ["warm", "runner"] {
        seccomp::assert_attempts_are_refused(as_another_user(in_sandbox()), executor).await;
    }
}

async fn assert_content_is_as_root_has_it(way: Way) {
    // What starts the service also makes a sandbox, or none can be made.
    if !can_change_user() || way == Way::Sandbox && !can_sandbox_through(&through()) {
        return;
    }
    assert_it_is_as_the_owner_has_it(as_another_user(way.setup()), way).await;
    assert_nothing_is_touched(as_another_user(way.setup()), way).await;
    assert_artifacts_are_kept(as_another_user(way.setup()), way).await;
    assert_a_password_stays(as_another_user(way.setup()), way).await;
}

#[tokio::test]
async fn content_of_an_ordinary_user_is_seen_and_kept_as_root_has_it() {
    assert_content_is_as_root_has_it(Way::Warm).await;
}

#[tokio::test]
async fn content_of_an_ordinary_user_is_as_root_has_it_under_ansible_runner() {
    assert_content_is_as_root_has_it(Way::Runner).await;
}

#[tokio::test]
async fn content_of_an_ordinary_user_is_as_root_has_it_in_a_sandbox() {
    assert_content_is_as_root_has_it(Way::Sandbox).await;
}

#[tokio::test]
async fn content_of_an_ordinary_user_is_as_root_has_it_in_a_copy() {
    assert_content_is_as_root_has_it(Way::Copy).await;
}

#[tokio::test]
async fn limits_of_an_ordinary_user_end_a_fork_bomb_and_a_memory_hog() {
    if can_change_user() {
        limits::assert_limits_hold(&limits::limited(as_another_user(in_process()))).await;
    }
}

#[tokio::test]
async fn looks_of_an_ordinary_user_are_confined_and_limited() {
    if !can_change_user() {
        return;
    }
    inspection::assert_nothing_outlives_a_look(as_another_user(in_process())).await;
    inspection::assert_limits_of_inspections_hold(as_another_user(in_process())).await;
    inspection::assert_the_clock_ends_a_look(as_another_user(in_process())).await;
    if can_sandbox_through(&through()) {
        inspection::assert_a_sandbox_holds(as_another_user(in_sandbox())).await;
        inspection::assert_nothing_outlives_a_look(as_another_user(in_sandbox())).await;
    }
}

#[tokio::test]
async fn others_of_the_same_user_do_not_see_into_the_service_and_its_supervisors() {
    if !can_change_user() {
        return;
    }
    let app = as_another_user(in_process().set("RANGEHAND__ANSIBLE__EXECUTOR", "warm")).start();
    let gate = Gate::new(&app);
    let vars = json!({"gate": gate.path()});
    let request = json!({"bundle": "gate", "limit": "localhost", "extra_vars": vars});
    let job = app.submit(&request).await;
    job.until_task("Wait for the gate").await;
    let identity = std::fs::read(app.run_directories()[0].join("supervisor.json")).expect("readable");
    let identity: serde_json::Value = serde_json::from_slice(&identity).expect("JSON");
    let supervisor = identity["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok()).expect("a pid");

    let reads = |pid: i32, file: &str| {
        let path = format!("/proc/{pid}/{file}");
        let output =
            command_of_user(Path::new("/usr/bin/head")).args(["-c", "1", &path]).output().expect("it starts");
        output.status.success()
    };
    // An unprotected process can be read by the same user: otherwise the rest would prove nothing.
    let mut open = command_of_user(Path::new("/bin/cat"));
    // It exits when the other side of its input is closed.
    let mut open = open.env("SOME", "thing").stdin(Stdio::piped()).spawn().expect("it starts");
    let open_pid = i32::try_from(open.id()).expect("a small number");
    until("another process of the user is seen", || reads(open_pid, "environ")).await;
    for pid in [app.pid(), supervisor] {
        let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).expect("root sees it");
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).expect("a line");
        assert_eq!(core.split_whitespace().skip(4).collect::<Vec<_>>(), ["0", "0", "bytes"]);
    }
    let fork_servers = with_ansible_imported(app.pid());
    assert!(!fork_servers.is_empty(), "runs are forked from one");
    for pid in fork_servers.into_iter().chain([app.pid(), supervisor]) {
        assert!(reads(pid, "cmdline"), "it is there");
        for file in ["environ", "mem", "maps", "auxv", "stack"] {
            assert!(!reads(pid, file), "/proc/{pid}/{file} is seen");
        }
    }
    open.wait().expect("the test owns it");
    gate.open();
    job.until_state("succeeded").await;
}

/// The fork servers of a service: its children that run Python.
fn with_ansible_imported(service: i32) -> Vec<i32> {
    let is_python = |pid: &i32| {
        std::fs::read(format!("/proc/{pid}/cmdline"))
            .is_ok_and(|line| line.windows(2).any(|part| part == b"-c"))
    };
    let mut found: Vec<i32> = Vec::new();
    for thread in std::fs::read_dir(format!("/proc/{service}/task")).into_iter().flatten().flatten() {
        let of_thread = std::fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        found
            .extend(of_thread.split_whitespace().filter_map(|pid| pid.parse::<i32>().ok()).filter(is_python));
    }
    found
}
