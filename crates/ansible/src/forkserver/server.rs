//! One fork server, from the service's side.

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
/// A placeholder for the ID of a run, with the same length.
const NO_RUN: &str = "00000000-0000-0000-0000-000000000000";
/// How long importing Ansible may take, on a busy machine.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How long a fork may take.
const FORK_LIMIT: Duration = Duration::from_secs(10);
/// A server that has forked this often is replaced, which limits leaks.
const MOST_FORKS: u64 = 2000;
/// A server that uses more memory is replaced.
const MOST_BYTES: u64 = 512 << 20;

/// A fork server that has imported Ansible.
#[derive(Debug)]
pub(super) struct ForkServer {
    control: Mutex<Control>,
    pid: u32,
    /// Identifies the process even if its number is reused.
    process: Option<OwnedFd>,
    forks: AtomicU64,
    /// It failed to answer once, and is no longer used.
    is_lost: AtomicBool,
    /// The files that were read while Ansible was imported, as they were then.
    files: Vec<(PathBuf, Option<Stamp>)>,
}

#[derive(Debug)]
struct Control {
    socket: OwnedFd,
    /// A supervisor was requested, and not received yet.
    is_requested: bool,
}

/// A supervisor that waits for a run. It exits if this is dropped first.
#[derive(Debug)]
pub(super) struct IdleSupervisor {
    pid: u32,
    socket: OwnedFd,
}

/// The state of a file. A different one means that the file has changed.
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
enum Startup {
    Ready { ansible: String, python: String, files: Vec<PathBuf> },
    Unfit(String),
}

#[derive(Debug, Deserialize)]
struct Forked {
    forked: u32,
}

impl ForkServer {
    /// Starts a server and waits until it has imported Ansible. Its forks become supervisors by executing `program`. Blocking.
    ///
    /// # Errors
    /// When Python does not exist, or cannot import a supported Ansible.
    pub(super) fn start(
        interpreter: &Interpreter,
        environment: &[(String, String)],
        program: &Path,
    ) -> io::Result<Self> {
        let (control, server_end) = message::pair()?;
        let mut child = python(interpreter, program)?
            .args(["-c", BEGIN])
            .env_clear()
            .envs(
                environment.iter().filter(|(name, _)| is_for_python(name)).map(|(name, value)| (name, value)),
            )
            // Each run overwrites it with its ID.
            .env(MARKER, NO_RUN)
            .current_dir("/")
            .stdin(Stdio::from(server_end))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let pid = child.id();
        let process = pidfd_open(Pid::from_child(&child), PidfdFlags::empty()).ok();
        // It exits when the other end of its socket is closed, and must be reaped.
        thread::spawn(move || child.wait());
        message::set_answer_limit(&control, START_LIMIT)?;
        message::send_bytes(&control, program::text().as_bytes(), &[])?;
        let start = json!({
            "environment": environment.iter().cloned().collect::<BTreeMap<_, _>>(),
            "script_directory": interpreter.scripts,
        });
        message::send(&control, &start, &[File::open(program)?.as_fd()])?;
        let (ansible, python, files) = match message::receive(&control)?.0 {
            Startup::Ready { ansible, python, files } => (ansible, python, files),
            Startup::Unfit(why) => return Err(io::Error::other(why)),
        };
        tracing::debug!(pid, ansible, python, "Ansible is imported, ready for runs");
        message::set_answer_limit(&control, FORK_LIMIT)?;
        let files = files.into_iter().map(|path| (path.clone(), stamp(&path))).collect();
        Ok(Self {
            control: Mutex::new(Control { socket: control, is_requested: false }),
            pid,
            process,
            forks: AtomicU64::new(0),
            is_lost: AtomicBool::new(false),
            files,
        })
    }

    /// Whether it still equals a fresh one, and has leaked little.
    pub(super) fn is_good(&self) -> bool {
        self.forks.load(Ordering::Relaxed) < MOST_FORKS
            && self.files.iter().all(|(path, then)| stamp(path) == *then)
            && resident(self.pid).is_some_and(|bytes| bytes < MOST_BYTES)
    }

    /// Receives the idle supervisor. Blocking, but it has usually been forked before.
    ///
    /// # Errors
    /// When the server has exited or does not answer.
    pub(super) fn supervisor(&self) -> io::Result<IdleSupervisor> {
        let mut control = self.control.lock().unwrap_or_else(PoisonError::into_inner);
        // A caller that was blocked by one that timed out here would time out as well.
        if self.is_lost.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let supervisor = self.request(&mut control).and_then(|()| receive_last(&control.socket));
        control.is_requested = false;
        if supervisor.is_err() {
            self.is_lost.store(true, Ordering::Relaxed);
        }
        supervisor
    }

    /// Requests a supervisor for the next run, unless one is ready. Fails silently: the next run notices a server that has exited.
    pub(super) fn prepare(&self) {
        if let Ok(mut control) = self.control.try_lock() {
            let _ = self.request(&mut control);
        }
    }

    fn request(&self, control: &mut Control) -> io::Result<()> {
        if !control.is_requested {
            self.forks.fetch_add(1, Ordering::Relaxed);
            message::send(&control.socket, &json!({ "fork": true }), &[])?;
            control.is_requested = true;
        }
        Ok(())
    }
}

/// The command for Python. Its forks can enter a sandbox of root later, and must not be able to write their executable from
/// there, so it is mounted read-only. Other users can mount only in a user namespace, in which `sudo` would not work.
fn python(interpreter: &Interpreter, program: &Path) -> io::Result<Command> {
    if !geteuid().is_root() {
        return Ok(Command::new(&interpreter.python));
    }
    let read_only = vec![interpreter.python.clone()];
    confine::command_of(program, &Confinement { read_only, ..Confinement::default() }, &interpreter.python)
}

/// Receives the supervisor that was forked last, and drops earlier ones.
fn receive_last(socket: &OwnedFd) -> io::Result<IdleSupervisor> {
    let mut received = message::receive(socket)?;
    while let Some(later) = message::receive_if_there(socket)? {
        received = later;
    }
    let (Forked { forked: pid }, files) = received;
    let socket = files.into_iter().next().ok_or(io::ErrorKind::InvalidData)?;
    Ok(IdleSupervisor { pid, socket })
}

impl IdleSupervisor {
    /// Assigns it the run in `directory`, and passes the pipe for the specification, the lock, and the log of the run.
    ///
    /// # Errors
    /// When the supervisor has exited.
    pub(super) fn assign(self, directory: &str, files: [BorrowedFd<'_>; 3]) -> io::Result<()> {
        message::send(&self.socket, &json!({ "directory": directory }), &files)?;
        tracing::debug!(pid = self.pid, directory, "a supervisor has a run");
        Ok(())
    }
}

impl Drop for ForkServer {
    /// A server that does not answer may not notice the closed socket either.
    fn drop(&mut self) {
        if self.is_lost.load(Ordering::Relaxed)
            && let Some(process) = &self.process
        {
            let _ = pidfd_send_signal(process, Signal::KILL);
        }
    }
}

/// Whether Python reads the variable when it starts. A process that lives long has no others in its environment.
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
