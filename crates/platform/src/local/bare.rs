//! Machines of kind `namespace`: the files of this machine under a layer in memory, and an SSH server as the first process.

use std::{ffi::OsString, fs};

use super::{home::MachineDir, kernel::Failure, login, options::Options, process};
use crate::{error::Error, wanted::MachineWanted};

const SCRIPT: &str = include_str!("namespace.sh");
const NAMESPACES: [&str; 8] =
    ["--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child", "--propagation", "slave"];
/// What a machine may write where its specification says nothing.
const USUAL_MEMORY_MB: u32 = 512;
/// The longest name of a host that the kernel takes.
const MAX_HOST_NAME: usize = 64;

/// Starts the machine; the calling thread is in its network namespace.
pub(super) fn start(dir: &MachineDir, wanted: &MachineWanted, options: &Options) -> Result<(), Error> {
    login::make_host_key(dir)?;
    let write = |name: &str, text: &str| {
        let what = || format!("write `{name}` of machine `{}`", dir.name());
        fs::write(dir.file(name), text).map_err(|error| Failure::new(what(), error))
    };
    write("authorized_keys", &login::authorized_keys(wanted))?;
    write("sshd_config", SSHD_CONFIG)?;
    // Users without privileges serve SSH on port 22 and ping, as they do on a machine of their own.
    let _ = fs::write("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
    let groups = if has_one_user() { "0 0" } else { "0 2147483647" };
    let _ = fs::write("/proc/sys/net/ipv4/ping_group_range", groups);
    let memory = wanted.spec.memory_mb.unwrap_or(USUAL_MEMORY_MB);
    let name = &dir.name()[..dir.name().len().min(MAX_HOST_NAME)];
    let mut arguments: Vec<OsString> =
        vec![dir.path().into(), name.into(), format!("{memory}m").into(), user().into()];
    arguments.extend(options.hidden.iter().map(|path| path.strip_prefix("/").unwrap_or(path).into()));
    process::launch(dir, &NAMESPACES, SCRIPT, &arguments)
}

/// Who logs in. Where only one user exists, it is not root: an SSH server that runs as root wants to become others.
pub(super) fn user() -> String {
    if has_one_user() { "range" } else { "root" }.to_owned()
}

/// Does only one user exist here, as in the user namespace of a user without subordinate ids?
fn has_one_user() -> bool {
    let text = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    let lengths = text.lines().filter_map(|line| line.split_whitespace().nth(2)?.parse::<u64>().ok());
    lengths.sum::<u64>() == 1
}

const SSHD_CONFIG: &str = "Port 22
HostKey /run/rangehand/host_key
PidFile none
AuthorizedKeysFile /run/rangehand/authorized_keys
StrictModes no
PubkeyAuthentication yes
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
UsePAM no
UseDNS no
PrintMotd no
PrintLastLog no
X11Forwarding no
MaxStartups 100
MaxSessions 100
SetEnv PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
Subsystem sftp internal-sftp
";
