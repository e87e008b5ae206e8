//! The view that a sandbox has of the machine, as arguments of bubblewrap.

use std::{
    ffi::{OsStr, OsString},
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use crate::scratch;

/// Directories of the system that are read.
pub(super) const SYSTEM: [&str; 8] = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/sys"];

/// The visible files of /etc: names, certificates, configuration of the loader and of SSH. Files with secrets that root can
/// read are excluded: `shadow`, SSH host keys, `ssl/private`, and those of other services.
pub(super) const ETC: [&str; 51] = [
    "alternatives",
    "ansible",
    "ca-certificates",
    "ca-certificates.conf",
    "crypto-policies",
    "debian_version",
    "default/locale",
    "environment",
    "gai.conf",
    "gitconfig",
    "group",
    "host.conf",
    "hostname",
    "hosts",
    "inputrc",
    "issue",
    "krb5.conf",
    "krb5.conf.d",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "locale.alias",
    "locale.conf",
    "localtime",
    "login.defs",
    "lsb-release",
    "machine-id",
    "mime.types",
    "networks",
    "nsswitch.conf",
    "os-release",
    "passwd",
    "pki/ca-trust",
    "pki/tls/certs",
    "pki/tls/cert.pem",
    "pki/tls/openssl.cnf",
    "profile",
    "profile.d",
    "protocols",
    "python3",
    "redhat-release",
    "resolv.conf",
    "services",
    "shells",
    "ssh/ssh_config",
    "ssh/ssh_config.d",
    "ssh/ssh_known_hosts",
    "ssl/certs",
    "ssl/openssl.cnf",
    "system-release",
    "timezone",
];

/// Directories that are empty when the run begins.
pub(super) const EMPTY: [&str; 3] = ["/tmp", "/var/tmp", "/run"];

/// The view of a sandbox, as arguments of bubblewrap. Later mounts cover earlier ones.
pub(super) struct View {
    pub(super) arguments: Vec<OsString>,
}

impl View {
    pub(super) fn system(network: bool, scratch: Option<&Path>) -> Self {
        let mut view = Self { arguments: Vec::new() };
        view.add([
            "--unshare-pid",
            "--unshare-ipc",
            "--unshare-uts",
            "--unshare-cgroup-try",
            "--new-session",
        ]);
        if !network {
            view.add(["--unshare-net"]);
        }
        // For other users this has no effect, and their user namespace does it.
        if rustix::process::geteuid().is_root() {
            view.add(["--cap-drop", "ALL"]);
        }
        for path in SYSTEM.map(Path::new) {
            match fs::read_link(path) {
                Ok(target) => view.add([OsStr::new("--symlink"), target.as_os_str(), path.as_os_str()]),
                Err(_) => view.read(path),
            }
        }
        view.add(["--proc", "/proc", "--dev", "/dev"]);
        kernel_interfaces().iter().for_each(|path| view.read(path));
        EMPTY.iter().for_each(|path| view.scratch(Path::new(path), scratch));
        view.add(["--symlink", "../run", "/var/run"]);
        ETC.iter().for_each(|name| view.read(&Path::new("/etc").join(name)));
        view
    }

    pub(super) fn add<T: AsRef<OsStr>, const N: usize>(&mut self, arguments: [T; N]) {
        self.arguments.extend(arguments.iter().map(|argument| argument.as_ref().to_owned()));
    }

    /// An empty directory: its backing directory, or memory.
    pub(super) fn scratch(&mut self, path: &Path, scratch: Option<&Path>) {
        match scratch {
            None => self.empty(path),
            Some(scratch) => {
                self.add([
                    OsStr::new("--bind"),
                    scratch::backing(scratch, path).as_os_str(),
                    path.as_os_str(),
                ]);
            }
        }
    }

    pub(super) fn empty(&mut self, path: &Path) {
        self.add([OsStr::new("--tmpfs"), path.as_os_str()]);
    }

    /// What is not there is not missed.
    pub(super) fn read(&mut self, path: &Path) {
        if path.is_absolute() {
            self.add([OsStr::new("--ro-bind-try"), path.as_os_str(), path.as_os_str()]);
        }
    }

    pub(super) fn write(&mut self, path: &Path) {
        if path.is_absolute() {
            self.add([OsStr::new("--bind-try"), path.as_os_str(), path.as_os_str()]);
        }
    }
}

/// Entries of /proc through which the kernel can be changed: all directories and writable files other than those of
/// processes. Their permissions are checked against the user id alone, so a process of root without any capability could
/// write `/proc/sys/kernel/core_pattern` or `/proc/sysrq-trigger`. bubblewrap covers only what it sees as writable itself,
/// which `/proc/sys` never is: the mode of the directory forbids writing, that of its files does not.
fn kernel_interfaces() -> Vec<PathBuf> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let is_changeable = |entry: &fs::DirEntry| {
        let is_process = entry.file_name().as_encoded_bytes().iter().all(u8::is_ascii_digit);
        // Not followed: `self`, `thread-self`, `net` and `mounts` lead to the process that reads them.
        let found = fs::symlink_metadata(entry.path());
        !is_process && found.is_ok_and(|found| found.is_dir() || found.is_file() && found.mode() & 0o222 != 0)
    };
    let mut paths: Vec<PathBuf> = entries.filter(is_changeable).map(|entry| entry.path()).collect();
    paths.sort();
    paths
}
