//! Which ways to have the local platform work on this machine, found out by trying.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use serde::Serialize;

use super::{
    holder::namespaces,
    kernel::{SYSTEM_PATH, has_program},
    options::Options,
};
use crate::description::Missing;

/// A way to have the local platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// With the rights of root.
    Root,
    /// As an ordinary user, in a user namespace.
    User,
}

/// What is missing for a way; nothing, if it works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// The way.
    pub way: Way,
    /// What is missing, and what helps.
    pub missing: Vec<Missing>,
}

fn missing_program(name: &str, package: &str) -> Missing {
    Missing { what: format!("the program `{name}` is missing"), hint: format!("apt-get install {package}") }
}

/// The programs that are used, and the packages of Debian that have them.
const PROGRAMS: [(&str, &str); 12] = [
    ("nft", "nftables"),
    ("sshd", "openssh-server"),
    ("ssh-keygen", "openssh-client"),
    ("unshare", "util-linux"),
    ("setsid", "util-linux"),
    ("setpriv", "util-linux"),
    ("pivot_root", "util-linux"),
    ("mountpoint", "util-linux"),
    ("mount", "mount"),
    ("umount", "mount"),
    ("hostname", "hostname"),
    ("sed", "sed"),
];

/// What a machine needs of the kernel as root, and as an ordinary user; tried in namespaces that end with it.
const TRIAL: &str = "set -e
mount -t tmpfs rangehand /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work rangehand /mnt/root
mount -t proc proc /mnt/root/proc
mount -t devpts -o newinstance devpts /mnt/root/dev
hostname trial
nft add table inet rangehand";
const USER_TRIAL: &str = "set -e
mount -t tmpfs rangehand /mnt
mkdir /mnt/usr /mnt/proc /mnt/dev
mount --rbind /usr /mnt/usr
mount -t proc proc /mnt/proc
mount -t devpts -o newinstance devpts /mnt/dev
hostname trial
nft add table inet rangehand";

const OWN_NAMESPACES: [&str; 8] =
    ["--net", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc"];

/// Tries both ways, the one that needs fewer steps first.
#[must_use]
pub fn check() -> Vec<Check> {
    let missing = programs();
    let is_root = rustix::process::geteuid().is_root();
    let mut checks = Vec::new();
    for way in [Way::Root, Way::User] {
        let mut missing = missing.clone();
        if way == Way::Root && !is_root {
            missing.push(Missing {
                what: "this process does not have the rights of root".to_owned(),
                hint: "start it as root, or use user namespaces".to_owned(),
            });
        } else if missing.is_empty() {
            missing.extend(trial(way));
        }
        checks.push(Check { way, missing });
    }
    checks
}

/// What guests need in addition to this way of having the platform.
#[must_use]
pub fn missing_for_guests(options: &Options, way: Way) -> Vec<Missing> {
    let mut missing = Vec::new();
    if way == Way::User {
        missing.push(Missing {
            what: "guests require the rights of root: a guest needs a control group of its own, and a template whose files belong \
                   to its users"
                .to_owned(),
            hint: "use machines of kind `namespace`, or run the service as root".to_owned(),
        });
    }
    if !has_program("systemd-nspawn") {
        missing.push(missing_program("systemd-nspawn", "systemd-container"));
    }
    if is_on_overlay(&options.state) {
        missing.push(Missing {
            what: format!(
                "the files of guests can't be on an overlay file system, and `{}` is",
                options.state.display()
            ),
            hint: "use a directory on another file system, such as a volume of the container".to_owned(),
        });
    }
    missing
}

/// Is the directory, or the nearest one above that exists, on an overlay?
fn is_on_overlay(directory: &Path) -> bool {
    const OVERLAY: u64 = 0x794c_7630;
    let existing = directory.ancestors().find(|path| path.exists());
    existing
        .and_then(|path| rustix::fs::statfs(path).ok())
        .is_some_and(|found| u64::try_from(found.f_type) == Ok(OVERLAY))
}

/// The way that is used: the first one for which nothing is missing.
#[must_use]
pub fn usable(checks: &[Check]) -> Option<Way> {
    checks.iter().find(|check| check.missing.is_empty()).map(|check| check.way)
}

fn programs() -> Vec<Missing> {
    PROGRAMS
        .iter()
        .filter(|(name, _)| !has_program(name))
        .map(|(name, package)| missing_program(name, package))
        .collect()
}

fn trial(way: Way) -> Option<Missing> {
    let (arguments, script) = match way {
        Way::Root => (OWN_NAMESPACES.to_vec(), TRIAL),
        Way::User => (namespaces(), USER_TRIAL),
    };
    let output = Command::new("unshare")
        .args(arguments)
        .args(["sh", "-c", script])
        .env_clear()
        .env("PATH", SYSTEM_PATH)
        .current_dir("/")
        .stdin(Stdio::null())
        .output();
    let why = match output {
        Ok(output) if output.status.success() => return None,
        Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        Err(error) => error.to_string(),
    };
    let hint = match way {
        Way::Root => {
            "a container needs CAP_SYS_ADMIN and CAP_NET_ADMIN, and a system call filter that allows both"
        }
        Way::User => {
            "allow user namespaces: `sysctl kernel.unprivileged_userns_clone=1`, \
                      `sysctl kernel.apparmor_restrict_unprivileged_userns=0`, or another system call filter"
        }
    };
    Some(Missing { what: format!("the kernel refuses namespaces: {why}"), hint: hint.to_owned() })
}
