//! The processes of a machine: the first one has a namespace of processes, so everything that runs there ends with it.

use std::{
    ffi::OsString,
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
    io::Errno,
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
};

use super::{
    console,
    home::MachineDir,
    kernel::{Failure, Namespace, SYSTEM_PATH},
};
use crate::{error::Error, observed::Power};

const INIT: &str = "init";
/// There since a start was begun: then a first process may exist although it is not recorded.
const STARTED: &str = "started";
/// Not empty when the first process has its surroundings.
const UP: &str = "up";
/// How long the first process may take to say who it is, and how long a killed one may take to end.
const START_LIMIT: Duration = Duration::from_secs(20);
/// How often a record is looked for that another process writes.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

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

/// Starts the first process of a machine: the script in new namespaces, and in the network namespace of the calling thread. The script
/// records who it is, and then that it has its surroundings.
pub(super) fn launch(
    dir: &MachineDir,
    namespaces: &[&str],
    script: &str,
    arguments: &[OsString],
) -> Result<(), Error> {
    dir.forget(INIT);
    dir.forget(UP);
    let failed =
        |what: &str, error: io::Error| Failure::new(format!("{what} of machine `{}`", dir.name()), error);
    let _ = fs::create_dir(dir.file("root"));
    fs::write(dir.file(STARTED), "").map_err(|error| failed("record the start", error))?;
    let console = File::create(console::file(dir)).map_err(|error| failed("make the console", error))?;
    let errors = console.try_clone().map_err(|error| failed("make the console", error))?;
    // `setsid --fork` ends at once, so that nothing of the machine is a child of this process.
    let status = Command::new("setsid")
        .args(["--fork", "unshare"])
        .args(namespaces)
        .args(["sh", "-c", script, "sh"])
        .args(arguments)
        .env_clear()
        .env("PATH", SYSTEM_PATH)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(console)
        .stderr(errors)
        .status()
        .map_err(|error| failed("start the first process", error))?;
    if !status.success() {
        return Err(failed("start the first process", io::Error::other(console::last_lines(dir))).into());
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
                console::last_lines(dir)
            )));
        }
        if begun.elapsed() > START_LIMIT {
            return Err(Error::retry(format!(
                "machine `{}` did not start in time: {}",
                dir.name(),
                console::last_lines(dir)
            )));
        }
        thread::sleep(LOOK_AGAIN);
    }
    Ok(())
}

/// Ends all processes of the machine; the first one is asked to shut down and may take so long.
pub(super) fn stop(dir: &MachineDir, shutdown: Duration) -> Result<(), Error> {
    let mut shutdown = shutdown;
    while let Some(init) = find(dir) {
        end(init, shutdown).map_err(|error| Failure::new(format!("stop machine `{}`", dir.name()), error))?;
        shutdown = Duration::ZERO;
    }
    dir.forget(INIT);
    dir.forget(STARTED);
    Ok(())
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
                    numbers.len() == 2 && numbers.last() == Some(&"1")
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

/// Sends SIGTERM and waits, if there is time for it; then SIGKILL.
fn end(init: Init, shutdown: Duration) -> io::Result<()> {
    let process = match pidfd_open(init.pid, PidfdFlags::empty()) {
        Err(Errno::SRCH) => return Ok(()),
        process => process?,
    };
    if !is_alive(&init) {
        return Ok(());
    }
    for (signal, limit) in [(Signal::TERM, shutdown), (Signal::KILL, START_LIMIT)] {
        if limit.is_zero() {
            continue;
        }
        match pidfd_send_signal(&process, signal) {
            Err(Errno::SRCH) => return Ok(()),
            sent => sent?,
        }
        let limit = Timespec { tv_sec: limit.as_secs().try_into().unwrap_or(i64::MAX), tv_nsec: 0 };
        // It becomes readable when the process has ended, and with it all others of its namespace.
        if poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&limit))? > 0 {
            return Ok(());
        }
    }
    Err(io::Error::from(io::ErrorKind::TimedOut))
}
