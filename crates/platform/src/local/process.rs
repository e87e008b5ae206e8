//! The processes of a machine of kind `namespace`: the first one is an SSH server, alone in a namespace of processes, so everything
//! that runs there ends with it.

use std::{
    fs::{self, File},
    io,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::statx,
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
};

use super::{
    home::MachineDir,
    kernel::{Failure, Namespace, SYSTEM_PATH},
    options::Options,
};
use crate::{error::Error, observed::Power, wanted::MachineWanted};

const SCRIPT: &str = include_str!("start.sh");
const INIT: &str = "init";
/// There since a start was begun: then a first process may exist although it is not recorded.
const STARTED: &str = "started";
/// Not empty when the first process has its surroundings.
const UP: &str = "up";
const CONSOLE: &str = "console.log";
/// How long the first process may take to say who it is, and how long a killed one may take to end.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often a record is looked for that another process writes.
const LOOK_AGAIN: Duration = Duration::from_millis(2);
/// What a machine may write where its specification says nothing.
const USUAL_MEMORY_MB: u32 = 512;
/// Lines of the console in a reason.
const CONSOLE_LINES: usize = 5;

/// A process beyond doubt: its number and start time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Init {
    pid: Pid,
    started: u64,
}

/// Is the machine running?
pub(super) fn power(dir: &MachineDir) -> Power {
    if find(dir).is_some() { Power::On } else { Power::Off }
}

/// Starts the machine; the calling thread is in its namespace.
pub(super) fn start(dir: &MachineDir, wanted: &MachineWanted, options: &Options) -> Result<(), Error> {
    if find(dir).is_some() {
        return Ok(());
    }
    write_login(dir, wanted)?;
    dir.forget(INIT);
    dir.forget(UP);
    // Users without privileges serve SSH on port 22 and ping, as they do on a machine of their own.
    let _ = fs::write("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
    let groups = if has_one_user() { "0 0" } else { "0 2147483647" };
    let _ = fs::write("/proc/sys/net/ipv4/ping_group_range", groups);
    let failed =
        |what: &str, error: io::Error| Failure::new(format!("{what} of machine `{}`", dir.name()), error);
    let _ = fs::create_dir(dir.file("root"));
    fs::write(dir.file(STARTED), "").map_err(|error| failed("record the start", error))?;
    let console = File::create(dir.file(CONSOLE)).map_err(|error| failed("make the console", error))?;
    let errors = console.try_clone().map_err(|error| failed("make the console", error))?;
    let memory = wanted.spec.memory_mb.unwrap_or(USUAL_MEMORY_MB);
    // `setsid --fork` ends at once, so that nothing of the machine is a child of this process.
    let status = Command::new("setsid")
        .args(["--fork", "unshare", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child"])
        .args(["--propagation", "slave", "sh", "-c", SCRIPT, "sh"])
        .arg(dir.path())
        .arg(host_name(dir.name()))
        .arg(format!("{memory}m"))
        .arg(user())
        .args(options.hidden.iter().map(|path| path.strip_prefix("/").unwrap_or(path)))
        .env_clear()
        .env("PATH", SYSTEM_PATH)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(console)
        .stderr(errors)
        .status()
        .map_err(|error| failed("start the first process", error))?;
    if !status.success() {
        return Err(failed("start the first process", io::Error::other(last_lines(dir))).into());
    }
    until_up(dir)
}

/// Waits until the first process is about to become the SSH server.
fn until_up(dir: &MachineDir) -> Result<(), Error> {
    let begun = Instant::now();
    while fs::metadata(dir.file(UP)).map_or(0, |file| file.len()) == 0 {
        let has_ended = recorded(dir).is_some_and(|init| !is_alive(&init));
        if has_ended {
            return Err(Error::refused(format!(
                "machine `{}` did not start: {}",
                dir.name(),
                last_lines(dir)
            )));
        }
        if begun.elapsed() > PATIENCE {
            return Err(Error::retry(format!(
                "machine `{}` did not start in time: {}",
                dir.name(),
                last_lines(dir)
            )));
        }
        thread::sleep(LOOK_AGAIN);
    }
    Ok(())
}

/// Ends all processes of the machine.
pub(super) fn stop(dir: &MachineDir) -> Result<(), Error> {
    while let Some(init) = find(dir) {
        end(init).map_err(|error| Failure::new(format!("stop machine `{}`", dir.name()), error))?;
    }
    dir.forget(INIT);
    dir.forget(STARTED);
    Ok(())
}

/// The last lines that the machine printed.
pub(super) fn last_lines(dir: &MachineDir) -> String {
    let text = fs::read(dir.file(CONSOLE)).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(CONSOLE_LINES)..].join("\n")
}

/// The public host key of the machine, once it was started.
pub(super) fn host_key(dir: &MachineDir) -> Option<String> {
    let line = fs::read_to_string(dir.file("host_key.pub")).ok()?;
    let mut words = line.split_whitespace();
    Some(format!("{} {}", words.next()?, words.next()?))
}

fn find(dir: &MachineDir) -> Option<Init> {
    if !dir.file(STARTED).exists() {
        return None;
    }
    let recorded = recorded(dir).filter(is_alive);
    if recorded.is_some() {
        return recorded;
    }
    // It may have started without a record, if everything ended in between.
    search(&dir.net())
}

fn recorded(dir: &MachineDir) -> Option<Init> {
    let text = fs::read_to_string(dir.file(INIT)).ok()?;
    let (pid, started) = text.split_once(' ')?;
    Some(Init { pid: Pid::from_raw(pid.parse().ok()?)?, started: started.parse().ok()? })
}

/// The process that is the first one in its namespace of processes, among those in this network namespace.
fn search(net: &Path) -> Option<Init> {
    let inode = Namespace::open(net).ok()??.inode().ok()?;
    let numbers = fs::read_dir("/proc").ok()?.flatten();
    let pids = numbers.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter_map(Pid::from_raw);
    let is_first = |pid: &Pid| {
        let pid = pid.as_raw_nonzero();
        let is_there = statx(
            rustix::fs::CWD,
            format!("/proc/{pid}/ns/net"),
            rustix::fs::AtFlags::empty(),
            rustix::fs::StatxFlags::INO,
        );
        let status = || fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        is_there.is_ok_and(|found| found.stx_ino == inode)
            && status().lines().any(|line| {
                line.strip_prefix("NSpid:").is_some_and(|numbers| {
                    let numbers: Vec<_> = numbers.split_whitespace().collect();
                    numbers.len() > 1 && numbers.last() == Some(&"1")
                })
            })
    };
    let pid = pids.into_iter().find(is_first)?;
    Some(Init { pid, started: start_time(pid)? })
}

fn is_alive(init: &Init) -> bool {
    start_time(init.pid) == Some(init.started)
}

/// Field 22 of /proc/PID/stat, unless the process has ended and is only not reaped yet.
fn start_time(pid: Pid) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    let fields: Vec<&str> = text.rsplit_once(") ")?.1.split_whitespace().collect();
    fields.get(19).filter(|_| !matches!(fields[0], "Z" | "X"))?.parse().ok()
}

fn end(init: Init) -> io::Result<()> {
    let process = match pidfd_open(init.pid, PidfdFlags::empty()) {
        Err(rustix::io::Errno::SRCH) => return Ok(()),
        process => process?,
    };
    if !is_alive(&init) {
        return Ok(());
    }
    match pidfd_send_signal(&process, Signal::KILL) {
        Err(rustix::io::Errno::SRCH) => return Ok(()),
        sent => sent?,
    }
    let patience = Timespec { tv_sec: PATIENCE.as_secs().try_into().unwrap_or(i64::MAX), tv_nsec: 0 };
    // It becomes readable when the process has ended, and with it all others of its namespace.
    let ended = poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&patience))?;
    if ended == 0 { Err(io::Error::from(io::ErrorKind::TimedOut)) } else { Ok(()) }
}

fn write_login(dir: &MachineDir, wanted: &MachineWanted) -> Result<(), Error> {
    let failed =
        |error: io::Error| Failure::new(format!("write the login of machine `{}`", dir.name()), error);
    let key = dir.file("host_key");
    if !dir.file("host_key.pub").exists() {
        let _ = fs::remove_file(&key);
        let output = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-C", dir.name(), "-f"])
            .arg(&key)
            .env("PATH", SYSTEM_PATH)
            .stdin(Stdio::null())
            .output()
            .map_err(failed)?;
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(failed(io::Error::other(text)).into());
        }
    }
    let keys: String = wanted.login.authorized_keys.iter().map(|key| format!("{key}\n")).collect();
    fs::write(dir.file("authorized_keys"), keys).map_err(failed)?;
    fs::write(dir.file("sshd_config"), SSHD_CONFIG).map_err(failed)?;
    Ok(())
}

/// A name that the kernel takes as that of a host.
fn host_name(name: &str) -> &str {
    &name[..name.len().min(64)]
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
