//! The local platform of an unprivileged user. As root, each test is executed again as the user `nobody`.

use std::{
    fs,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use platform::{
    Change, MachineWanted, Platform, Power, ThingKind, Wanted,
    local::{Held, Options, Way, check},
};
use testkit::until;

use crate::{
    conformance::{self, Site, assert_complete, assert_gone},
    drive::{Drive, desired, wanted},
    lab::sh,
    ssh::Ssh,
};

const USER_ID: u32 = 65_534;
const AGAIN: &str = "RANGEHAND_TEST_AS_USER";

struct User {
    held: Held,
    options: Options,
}

impl Site for User {
    fn platform(&self) -> &dyn Platform {
        &self.held
    }

    fn foreign(&self) -> String {
        sh("ip -o link; ip -o address; wc -l </proc/self/mountinfo")
    }

    fn set_faults(&self, _: Vec<platform::Fault>) {}
}

/// Runs a test as an ordinary user, where that is possible.
#[allow(clippy::print_stderr, reason = "the person who runs the tests should see what was not tested")]
fn as_user<F: Future<Output = ()>>(name: &str, test: impl FnOnce(User) -> F) {
    let directory = tempfile::Builder::new().prefix("rh-user-").tempdir().unwrap();
    if rustix::process::geteuid().is_root() {
        chown(directory.path(), Some(USER_ID), Some(USER_ID)).unwrap();
        let program = std::env::current_exe().unwrap();
        // Other tests change links and mounts of this machine meanwhile.
        let status = Command::new("unshare")
            .args(["--net", "--mount", "--", "setpriv"])
            .args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps=-all"])
            .arg(program)
            .args(["--exact", name, "--nocapture"])
            .env(AGAIN, "1")
            .env("TMPDIR", directory.path())
            .env("HOME", directory.path())
            .status()
            .unwrap();
        assert!(status.success(), "as the user `nobody`");
        return;
    }
    let checks = check();
    let user = checks.iter().find(|check| check.way == Way::User).unwrap();
    if !user.missing.is_empty() {
        eprintln!("WARNING: NOT TESTED: {name}: {:?}", user.missing);
        return;
    }
    let options = Options {
        program: vec![env!("CARGO_BIN_EXE_platform-local").to_owned()],
        ..Options::new(directory.path().join("run"), directory.path().join("state"))
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let run = options.run.clone();
    runtime.block_on(async {
        test(User { held: Held::new(options.clone()), options }).await;
        let is_gone = || !run.join("holder.sock").exists() && holders(&run).is_empty();
        until("the holder has ended by itself, and left nothing", is_gone).await;
    });
}

/// Processes with this directory in their arguments.
fn holders(run: &Path) -> String {
    sh(&format!("pgrep -f '[p]latform-local hold.*{}' || true", run.display()))
}

/// The user namespace in which the holder is.
fn namespace_of_holder(run: &Path) -> PathBuf {
    let own = user_namespace("self").unwrap();
    let holders = holders(run);
    holders.lines().filter_map(user_namespace).find(|namespace| *namespace != own).expect("a holder runs")
}

fn user_namespace(process: &str) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{process}/ns/user")).ok()
}

fn processes_in(namespace: &Path) -> usize {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let found = processes.filter_map(|process| user_namespace(process.file_name().to_str()?));
    found.filter(|found| found == namespace).count()
}

#[test]
fn calls_of_an_ordinary_user_may_be_repeated() {
    as_user("user::calls_of_an_ordinary_user_may_be_repeated", |user| async move {
        conformance::every_call_may_be_repeated(&user).await;
    });
}

#[test]
fn two_ranges_of_an_ordinary_user_share_nothing() {
    as_user("user::two_ranges_of_an_ordinary_user_share_nothing", |user| async move {
        conformance::what_is_not_there_is_gone(&user).await;
        conformance::two_ranges_share_nothing(&user).await;
    });
}

#[test]
fn an_ordinary_user_reaches_machines_by_ssh_and_they_each_other() {
    as_user("user::an_ordinary_user_reaches_machines_by_ssh_and_they_each_other", |user| async move {
        let (drive, desired) = (Drive::new(&user.held, "ssh"), desired(70));
        let ssh = Ssh::new();
        for wanted in wanted(&desired) {
            let wanted = match wanted {
                Wanted::Machine(machine) => {
                    Wanted::Machine(MachineWanted { spec: Arc::clone(&machine.spec), login: ssh.login() })
                }
                other => other,
            };
            assert_eq!(drive.ensure(&wanted).await.unwrap(), Change::Created);
        }
        for name in ["gw", "web", "db"] {
            let machine = drive.owner.thing(ThingKind::Machine, name);
            drive.power(&machine, Power::On).await.unwrap();
            drive.wait_ready(&machine).await.unwrap();
        }
        assert_complete(&drive.observe().await);
        let web = drive.owner.thing(ThingKind::Machine, "web");
        let found = ssh
            .run(&user.held, &web, "hostname; id -un; pwd; touch made && echo wrote; python3 -c 'print(1+1)'")
            .await;
        assert!(found.starts_with("web\n") && found.contains("wrote\n2"), "{found}");
        let reach = |address: &str| {
            format!("timeout 2 bash -c 'exec 3<>/dev/tcp/{address} && head -c 4 <&3'; echo $?")
        };
        assert_eq!(ssh.run(&user.held, &web, &reach("10.70.1.1/22")).await, "SSH-0\n", "its gateway");
        let refused = ssh.run(&user.held, &web, &reach("10.70.2.10/22")).await;
        assert!(!refused.contains("SSH-"), "the rules allow another port only: {refused}");
        drive.down(&desired).await.unwrap();
        assert_gone(&drive.observe().await);
    });
}

#[test]
fn everything_of_an_ordinary_user_ends_with_the_holder_and_can_be_made_again() {
    as_user(
        "user::everything_of_an_ordinary_user_ends_with_the_holder_and_can_be_made_again",
        |user| async move {
            let (drive, desired) = (Drive::new(&user.held, "killed"), desired(71));
            drive.up(&desired).await.unwrap();
            let namespace = namespace_of_holder(&user.options.run);
            assert!(processes_in(&namespace) > 3, "the machines run in the namespace of the holder");
            sh(&format!("kill -9 {}", holders(&user.options.run).replace('\n', " ")));
            until("everything in its namespace has ended", || processes_in(&namespace) == 0).await;
            assert_gone(&drive.observe().await);
            let changes = drive.up(&desired).await.unwrap();
            assert!(changes.iter().all(|change| *change == Change::Created), "{changes:?}");
            assert_complete(&drive.observe().await);
            drive.down(&desired).await.unwrap();
        },
    );
}
