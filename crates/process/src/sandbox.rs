//! The sandbox of a run, created with bubblewrap: the part of the machine that the run sees.
//!
//! ```text
//! /usr /bin /lib* /etc (parts) /sys   read-only
//! /proc /dev                          separate: only its own processes, devices without hardware; interfaces to the
//!                                     kernel, such as /proc/sys, read-only
//! /tmp /var/tmp /run, the user's home empty at first
//! Ansible, what settings name         read-only
//! the run's directories               writable, and nothing else is
//! everything else                     not visible
//! ```
//! A sandbox has a PID namespace: when its first process ends, the kernel kills all others. Seen from outside, the processes
//! are descendants of the supervisor, which terminates and counts them, and proves that none is left, as without a sandbox.
//! `--die-with-parent` is not used, because it would kill them without SIGTERM.

mod view;

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use self::view::{EMPTY, ETC, SYSTEM, View};
use crate::{connection_files::is_connection_file, home, programs};

/// How the sandboxes of runs are made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sandbox {
    /// bubblewrap.
    pub program: PathBuf,
    /// Whether runs reach the network.
    pub network: bool,
    /// Whether runs may read `~/.ssh`, private keys included.
    pub ssh_keys: bool,
    /// More that runs may read.
    pub readable: Vec<PathBuf>,
    /// More that runs may write.
    pub writable: Vec<PathBuf>,
}

/// What a run needs besides the system.
#[derive(Debug)]
pub struct Needs<'a> {
    /// ansible-runner.
    pub program: &'a Path,
    /// The environment of the run.
    pub environment: &'a [(String, String)],
    /// The directories that are the run's own.
    pub own: &'a [&'a Path],
    /// Of these, what it does not see.
    pub hidden: &'a [&'a Path],
    /// Of these, what it may only read.
    pub covered: &'a [PathBuf],
    /// Where it begins.
    pub directory: &'a Path,
    /// Where the directories that are empty at first are created. Without it they are in memory.
    pub scratch: Option<&'a Path>,
}

/// Files in the user's home that SSH and Ansible read. Keys are not among them: an agent lends them without revealing them, and
/// settings can show them.
const HOME: [&str; 6] = [
    ".ssh/config",
    ".ssh/config.d",
    ".ssh/known_hosts",
    ".ssh/known_hosts2",
    ".ansible/collections",
    ".ansible/roles",
];

/// Variables that name what Ansible and Python read, one path or several joined by `:`.
const NAMING: [&str; 9] = [
    "ANSIBLE_COLLECTIONS_PATH",
    "ANSIBLE_CONFIG",
    "ANSIBLE_FILTER_PLUGINS",
    "ANSIBLE_LIBRARY",
    "ANSIBLE_ROLES_PATH",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
];

/// Further links of `~/.ssh` are ignored.
const MAX_LINKS: usize = 1000;

impl Sandbox {
    /// The arguments of bubblewrap up to the program that it is to start.
    pub fn arguments(&self, needs: &Needs<'_>) -> Vec<OsString> {
        let mut view = View::system(self.network, needs.scratch);
        let variable =
            |name: &str| needs.environment.iter().find(|(known, _)| known == name).map(|(_, value)| value);
        let homes = homes(needs.environment);
        homes.iter().for_each(|home| view.scratch(home, needs.scratch));
        for home in &homes {
            let is_shown = |name: &&&str| !self.ssh_keys || !name.starts_with(".ssh");
            HOME.iter().filter(is_shown).for_each(|name| view.read(&home.join(name)));
            if self.ssh_keys {
                view.read(&home.join(".ssh"));
                linked(&home.join(".ssh")).iter().for_each(|path| view.read(path));
            }
        }
        programs::needed_by(needs.program, variable("PATH").map(AsRef::as_ref))
            .iter()
            .for_each(|path| view.read(path));
        let named = NAMING.iter().filter_map(|name| variable(name)).flat_map(std::env::split_paths);
        named.for_each(|path| view.read(&path));
        let ssh: Vec<PathBuf> = homes.iter().map(|home| home.join(".ssh")).collect();
        for path in &self.readable {
            // Within a directory that is shown, nothing can be put over a link; it leads to what is shown.
            let is_within = self.ssh_keys && ssh.iter().any(|directory| path.starts_with(directory));
            let real = path.canonicalize().ok().filter(|real| real != path);
            real.iter().for_each(|real| view.read(real));
            if real.is_none() || !is_within {
                view.read(path);
            }
        }
        self.writable.iter().for_each(|path| view.write(path));
        if let Some(agent) = variable("SSH_AUTH_SOCK") {
            view.write(Path::new(agent));
        }
        needs.own.iter().for_each(|path| view.write(path));
        // Within directories of the run's own, or of its content: neither is for the run to change.
        needs.hidden.iter().for_each(|path| view.empty(path));
        needs.covered.iter().for_each(|path| view.read(path));
        // The root itself is in memory, too. It contains only mount points.
        view.add(["--remount-ro", "/"]);
        view.add(["--chdir".as_ref(), needs.directory.as_os_str()]);
        view.add(["--"]);
        view.arguments
    }

    /// The directories that are empty when a run with this environment begins.
    pub fn empty(environment: &[(String, String)]) -> Vec<PathBuf> {
        EMPTY.iter().map(PathBuf::from).chain(homes(environment)).collect()
    }

    /// The home of a run with this environment, if it is a directory that is empty when the run begins.
    pub fn home(&self, environment: &[(String, String)]) -> Option<PathBuf> {
        let named = environment.iter().find(|(name, _)| name == "HOME").map(|(_, home)| PathBuf::from(home));
        let is_shown =
            |home: &PathBuf| self.readable.iter().chain(&self.writable).any(|path| home.starts_with(path));
        named.filter(|home| is_apart(home) && !is_shown(home))
    }

    /// What a run with this environment sees of the homes of the service's user.
    pub fn shown_in_homes(&self, environment: &[(String, String)]) -> Vec<PathBuf> {
        let names = || HOME.iter().copied().chain(self.ssh_keys.then_some(".ssh"));
        homes(environment).iter().flat_map(|home| names().map(|name| home.join(name))).collect()
    }

    /// Whether every sandbox shows this path, as it is on the machine.
    pub fn shows(&self, path: &Path) -> bool {
        let system = SYSTEM.iter().map(Path::new).chain([Path::new("/dev"), Path::new("/proc")]);
        let etc = ETC.iter().map(|name| Path::new("/etc").join(name));
        let named = self.readable.iter().chain(&self.writable);
        system.into_iter().any(|shown| path.starts_with(shown))
            || etc.into_iter().any(|shown| path.starts_with(shown))
            || named.into_iter().any(|shown| path.starts_with(shown))
    }

    /// Programs that processes in the sandbox are to see read-only, because they were started from outside. An ordinary user
    /// can do that only in a mount namespace that it has anyway.
    pub fn protected(&self, has_namespace: bool) -> Vec<PathBuf> {
        if has_namespace || rustix::process::geteuid().is_root() {
            vec![self.program.clone()]
        } else {
            Vec::new()
        }
    }

    /// The arguments of bubblewrap for a sandbox in which nothing happens.
    pub(crate) fn idle(&self) -> Vec<OsString> {
        let mut view = View::system(self.network, None);
        view.add(["--remount-ro", "/", "--", "true"]);
        view.arguments
    }
}

/// Where links in the directory lead to, as far as it is something for SSH: the directory alone shows links only.
fn linked(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten().take(MAX_LINKS);
    let links = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_symlink()));
    let is_for_ssh = |path: &PathBuf| path.ends_with("config") || is_connection_file(path);
    links.map(|link| link.path()).filter(is_for_ssh).filter_map(|link| link.canonicalize().ok()).collect()
}

/// The homes of the service's user that a sandbox hides.
fn homes(environment: &[(String, String)]) -> BTreeSet<PathBuf> {
    let named = environment.iter().find(|(name, _)| name == "HOME").map(|(_, home)| PathBuf::from(home));
    named.into_iter().chain(home::of_this_user()).filter(|home| is_apart(home)).collect()
}

/// Is it a home that may be hidden without hiding the system with it?
fn is_apart(home: &Path) -> bool {
    let holds_system = SYSTEM
        .iter()
        .chain(&["/etc", "/proc", "/dev"])
        .any(|system| Path::new(system).starts_with(home) || home.starts_with(system));
    home.is_absolute() && !holds_system
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(sandbox: &Sandbox) -> Vec<String> {
        let environment =
            [("HOME", "/home/ann"), ("ANSIBLE_ROLES_PATH", "/srv/a:/srv/b"), ("SSH_AUTH_SOCK", "/run/s")];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let needs = Needs {
            program: Path::new("/usr/bin/ansible-runner"),
            environment: &environment,
            own: &[Path::new("/dev/shm/own")],
            hidden: &[Path::new("/dev/shm/own/content")],
            covered: &["/srv/content/.venv".into()],
            directory: Path::new("/dev/shm/own/private"),
            scratch: None,
        };
        let arguments = sandbox.arguments(&needs);
        arguments.into_iter().map(|argument| argument.into_string().unwrap()).collect()
    }

    fn sandbox(network: bool) -> Sandbox {
        Sandbox {
            program: "bwrap".into(),
            network,
            ssh_keys: false,
            readable: vec!["/srv/keys".into()],
            writable: vec!["/srv/out".into()],
        }
    }

    #[test]
    fn only_the_runs_own_and_what_settings_name_is_writable() {
        let arguments = arguments(&sandbox(true));
        let bound = |option: &str| -> Vec<&str> {
            let pairs = arguments.windows(2).filter(|pair| pair[0] == option);
            pairs.map(|pair| pair[1].as_str()).collect()
        };
        assert_eq!(bound("--bind-try"), ["/srv/out", "/run/s", "/dev/shm/own"]);
        let read = bound("--ro-bind-try");
        for path in ["/usr", "/etc/passwd", "/srv/a", "/srv/b", "/srv/keys", "/home/ann/.ssh/known_hosts"] {
            assert!(read.contains(&path), "{path}");
        }
        for interface in ["/proc/sys", "/proc/sysrq-trigger"] {
            assert!(read.contains(&interface) || !Path::new(interface).exists(), "{interface}");
        }
        for secret in ["/etc", "/etc/shadow", "/etc/ssh", "/home/ann", "/home/ann/.ssh", "/", "/var", "/root"]
        {
            assert!(!read.contains(&secret), "{secret}");
        }
        assert!(bound("--tmpfs").contains(&"/home/ann"));
    }

    #[test]
    fn the_network_is_there_unless_a_setting_takes_it() {
        let is_cut =
            |network| arguments(&sandbox(network)).iter().any(|argument| argument == "--unshare-net");
        assert!(!is_cut(true) && is_cut(false));
    }

    #[test]
    fn a_home_that_holds_the_system_is_left_alone() {
        for (home, apart) in
            [("/root", true), ("/home/ann", true), ("/", false), ("/usr/x", false), ("x", false)]
        {
            assert_eq!(is_apart(Path::new(home)), apart, "{home}");
        }
    }
}
