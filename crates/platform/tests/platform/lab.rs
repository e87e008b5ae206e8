//! A part of this machine where the tests of the local platform may do as they like: a network namespace that stands for that of the
//! machine, with things in it that are not Rangehand's.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::Arc,
    thread,
};

use nix::sched::{CloneFlags, unshare};
use platform::{
    Fault, Platform,
    local::{Local, Options},
};

use crate::conformance::Site;

/// The local platform in a directory of its own.
pub(crate) struct Lab {
    pub(crate) local: Arc<Local>,
    pub(crate) options: Options,
    /// A namespace with a bridge and a table of nftables that nothing may touch.
    foreign: String,
}

/// Runs a test where it can: as root, in a network namespace of its own. The threads that it starts are in it, too.
pub(crate) fn with_lab<F: Future<Output = ()>>(test: impl FnOnce(Lab) -> F + Send) {
    let name = thread::current().name().unwrap_or_default().to_owned();
    let done = thread::scope(|scope| {
        let run = move || -> Result<(), String> {
            can()?;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            // Here, because a test may take the lab apart.
            let directory = tempfile::Builder::new().prefix("rh-local-").tempdir().unwrap();
            let lab = Lab::new(directory.path());
            let foreign = lab.foreign.clone();
            let before = lab.foreign();
            let run = lab.options.run.clone();
            let _clean = Clean { run: run.clone(), foreign: foreign.clone() };
            runtime.block_on(test(lab));
            assert_eq!(foreign_things(&foreign), before, "what is not Rangehand's changed");
            assert!(!run.exists(), "{} is left", run.display());
            Ok(())
        };
        let handle = thread::Builder::new().name(name.clone()).spawn_scoped(scope, run).unwrap();
        handle.join()
    });
    match done {
        Ok(Ok(())) => {}
        Ok(Err(why)) => say(&format!("WARNING: NOT TESTED: {name}: {why}")),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

#[allow(clippy::print_stderr, reason = "the person who runs the tests should see what was not tested")]
fn say(text: &str) {
    eprintln!("{text}");
}

fn can() -> Result<(), String> {
    if !rustix::process::geteuid().is_root() {
        return Err("it needs root".to_owned());
    }
    for program in ["ip", "nft", "ping", "nsenter", "unshare", "setpriv"] {
        if Command::new(program).arg("-V").output().is_err() {
            return Err(format!("`{program}` is missing"));
        }
    }
    unshare(CloneFlags::CLONE_NEWNET).map_err(|error| format!("no network namespaces: {error}"))
}

/// Removes what a test made, also after it failed.
struct Clean {
    run: PathBuf,
    foreign: String,
}

impl Drop for Clean {
    fn drop(&mut self) {
        let run_dir = self.run.display();
        run(&format!(
            "for init in {run_dir}/*/*/machines/*/init; do [ -e $init ] && kill -9 $(cut -d' ' -f1 $init); done; \
             for at in $(awk '{{print $5}}' /proc/self/mountinfo | grep '^{run_dir}' | sort -r); do umount -l $at; done; \
             rm -rf {run_dir}; ip netns delete {}",
            self.foreign
        ));
    }
}

impl Lab {
    fn new(directory: &Path) -> Self {
        let program = vec![env!("CARGO_BIN_EXE_platform-local").to_owned()];
        let options = Options {
            program,
            hidden: vec![PathBuf::from("/var/lib/rangehand"), PathBuf::from("/etc/issue")],
            ..Options::new(directory.join("run"), directory.join("state"))
        };
        let foreign = directory.file_name().unwrap().to_str().unwrap().to_owned();
        sh(&format!(
            "sysctl -qw net.ipv6.conf.default.disable_ipv6=1 && ip link set lo up && ip link add br-theirs type bridge && ip link set br-theirs up && ip netns add {foreign} && \
             ip -n {foreign} link add rangehand type bridge && nft add table inet rangehand && \
             nft add chain inet rangehand forward && ip netns exec {foreign} nft add table inet rangehand"
        ));
        Self { local: Arc::new(Local::new(options.clone())), options, foreign }
    }

    /// The file that pins the namespace of a machine.
    pub(crate) fn net(&self, range: &str, machine: &str) -> PathBuf {
        self.options.run.join("test").join(range).join("machines").join(machine).join("net")
    }
}

impl Site for Lab {
    fn platform(&self) -> &dyn Platform {
        &*self.local
    }

    fn foreign(&self) -> String {
        foreign_things(&self.foreign)
    }

    fn set_faults(&self, _: Vec<Fault>) {}
}

/// What the machine of the lab has besides ranges, as its own tools list it.
fn foreign_things(namespace: &str) -> String {
    sh(&format!(
        "ip -o link; ip -o address; ip route; nft list ruleset; ip netns | grep -x {namespace}; \
         ip -n {namespace} -o link; ip netns exec {namespace} nft list ruleset"
    ))
}

/// Runs a command in the namespace of the calling thread.
pub(crate) fn sh(command: &str) -> String {
    let output = run(command);
    assert!(output.status.success(), "{command}\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn run(command: &str) -> Output {
    Command::new("bash").args(["-c", command]).output().unwrap()
}

/// Runs a command in the network namespace of a machine. Did it succeed?
pub(crate) fn within(net: &Path, command: &str) -> bool {
    run(&format!("nsenter --net={} {command}", net.display())).status.success()
}
