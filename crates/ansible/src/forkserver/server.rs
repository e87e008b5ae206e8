//! One process with Ansible imported, from the service's side.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::fs::MetadataExt,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use process::{
    MARKER,
    confine::{self, Confinement},
};
use rustix::process::{Pid, PidfdFlags, Signal, geteuid, pidfd_open, pidfd_send_signal};
use serde::Deserialize;
use serde_json::json;

use super::{Interpreter, message, program};

/// Reads the program from the socket that is its standard input: it is part of the Rangehand binary and not stored in a file.
const BEGIN: &str = "import os; exec(os.read(0, 1 << 20))";
/// Where the name of a run will stand; as long as one.
const NO_RUN: &str = "00000000-0000-0000-0000-000000000000";
/// How long importing Ansible may take, on a machine that has much else to do.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How long a fork may take.
const FORK_LIMIT: Duration = Duration::from_secs(10);
/// A host that has forked so often is replaced: whatever it leaks has an end.
const MOST_FORKS: u64 = 2000;
/// A host that is larger is replaced.
const MOST_BYTES: u64 = 512 << 20;

/// A host that is ready.
#[derive(Debug)]
pub(super) struct Host {
    control: Mutex<Control>,
    pid: u32,
    /// This very process, whatever its number is later.
    process: Option<OwnedFd>,
    forks: AtomicU64,
    /// It did not answer once, and is asked no more.
    is_lost: AtomicBool,
    /// What was read when Ansible was imported, as it was then.
    files: Vec<(PathBuf, Option<Stamp>)>,
}

#[derive(Debug)]
struct Control {
    socket: OwnedFd,
    /// A supervisor was asked for that was not taken yet.
    is_asked: bool,
}

/// A supervisor that waits for a run; it ends when this is dropped before it has one.
#[derive(Debug)]
pub(super) struct Spare {
    pid: u32,
    socket: OwnedFd,
}

/// A file as it is at a time; another one means that it changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

fn stamp(path: &Path) -> Option<Stamp> {
    let data = fs::metadata(path).ok()?;
    Some(Stamp { inode: data.ino(), size: data.size(), modified: (data.mtime(), data.mtime_nsec()) })
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Started {
    Ready { ansible: String, python: String, files: Vec<PathBuf> },
    Unfit(String),
}

#[derive(Debug, Deserialize)]
struct Forked {
    forked: u32,
}

impl Host {
    /// Starts one and waits until it has imported Ansible; what it forks becomes supervisors by executing `program`. Blocking.
    ///
    /// # Errors
    /// When there is no such Python, or Ansible cannot be imported into it as it is expected to be.
    pub(super) fn start(
        interpreter: &Interpreter,
        environment: &[(String, String)],
        program: &Path,
    ) -> io::Result<Self> {
        let (control, theirs) = message::pair()?;
        let mut child = python(interpreter, program)?
            .args(["-c", BEGIN])
            .env_clear()
            .envs(
                environment.iter().filter(|(name, _)| is_for_python(name)).map(|(name, value)| (name, value)),
            )
            // Each run writes its own name there.
            .env(MARKER, NO_RUN)
            .current_dir("/")
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let pid = child.id();
        let process = pidfd_open(Pid::from_child(&child), PidfdFlags::empty()).ok();
        // It ends when nobody holds the other end of its socket, and must be waited for then.
        thread::spawn(move || child.wait());
        message::set_patience(&control, START_LIMIT)?;
        message::send_bytes(&control, program::text().as_bytes(), &[])?;
        let told = json!({
            "environment": environment.iter().cloned().collect::<BTreeMap<_, _>>(),
            "script_directory": interpreter.scripts,
        });
        message::send(&control, &told, &[File::open(program)?.as_fd()])?;
        let (ansible, python, files) = match message::receive(&control)?.0 {
            Started::Ready { ansible, python, files } => (ansible, python, files),
            Started::Unfit(why) => return Err(io::Error::other(why)),
        };
        tracing::debug!(pid, ansible, python, "Ansible is imported, ready for runs");
        message::set_patience(&control, FORK_LIMIT)?;
        let files = files.into_iter().map(|path| (path.clone(), stamp(&path))).collect();
        Ok(Self {
            control: Mutex::new(Control { socket: control, is_asked: false }),
            pid,
            process,
            forks: AtomicU64::new(0),
            is_lost: AtomicBool::new(false),
            files,
        })
    }

    /// Whether it is still what a fresh one would be, and no burden.
    pub(super) fn is_good(&self) -> bool {
        self.forks.load(Ordering::Relaxed) < MOST_FORKS
            && self.files.iter().all(|(path, then)| stamp(path) == *then)
            && resident(self.pid).is_some_and(|bytes| bytes < MOST_BYTES)
    }

    /// The supervisor that it has begun. Blocking, hardly ever for long.
    ///
    /// # Errors
    /// When it is gone or does not answer.
    pub(super) fn spare(&self) -> io::Result<Spare> {
        let mut control = self.control.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever waited for the one that waited in vain would wait as long again.
        if self.is_lost.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let spare = self.ask(&mut control).and_then(|()| receive_last(&control.socket));
        control.is_asked = false;
        if spare.is_err() {
            self.is_lost.store(true, Ordering::Relaxed);
        }
        spare
    }

    /// Has it begin one for the next run, unless that one waits for it already. That the host is gone shows then.
    pub(super) fn prepare(&self) {
        if let Ok(mut control) = self.control.try_lock() {
            let _ = self.ask(&mut control);
        }
    }

    fn ask(&self, control: &mut Control) -> io::Result<()> {
        if !control.is_asked {
            self.forks.fetch_add(1, Ordering::Relaxed);
            message::send(&control.socket, &json!({ "fork": true }), &[])?;
            control.is_asked = true;
        }
        Ok(())
    }
}

/// The Python of a host. A process that it forks may be in a sandbox of root later, from where it must not write the file that
/// it was started from. An ordinary user has no mounts without a namespace of users, in which `sudo` would not work.
fn python(interpreter: &Interpreter, program: &Path) -> io::Result<Command> {
    if !geteuid().is_root() {
        return Ok(Command::new(&interpreter.python));
    }
    let read_only = vec![interpreter.python.clone()];
    confine::command_of(program, &Confinement { read_only, ..Confinement::default() }, &interpreter.python)
}

/// What it has begun last: it knows more than one from before.
fn receive_last(socket: &OwnedFd) -> io::Result<Spare> {
    let mut received = message::receive(socket)?;
    while let Some(later) = message::receive_if_there(socket)? {
        received = later;
    }
    let (Forked { forked: pid }, files) = received;
    let socket = files.into_iter().next().ok_or(io::ErrorKind::InvalidData)?;
    Ok(Spare { pid, socket })
}

impl Spare {
    /// Gives it the run in `directory`, by which it is told what to do, its lock and its log.
    ///
    /// # Errors
    /// When it is gone.
    pub(super) fn give(self, directory: &str, files: [BorrowedFd<'_>; 3]) -> io::Result<()> {
        message::send(&self.socket, &json!({ "directory": directory }), &files)?;
        tracing::debug!(pid = self.pid, directory, "a supervisor has a run");
        Ok(())
    }
}

impl Drop for Host {
    /// One that does not answer may not see either that nobody is there any more.
    fn drop(&mut self) {
        if self.is_lost.load(Ordering::Relaxed)
            && let Some(process) = &self.process
        {
            let _ = pidfd_send_signal(process, Signal::KILL);
        }
    }
}

/// Whether Python itself reads it, when it starts. Nothing else stands in the environment of a process that lives long.
fn is_for_python(name: &str) -> bool {
    matches!(name, "PATH" | "HOME" | "LANG" | "LANGUAGE" | "TZ" | "LD_LIBRARY_PATH")
        || name.starts_with("LC_")
        || name.starts_with("PYTHON")
}

fn resident(pid: u32) -> Option<u64> {
    let pages = fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    let pages: u64 = pages.split(' ').nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}
