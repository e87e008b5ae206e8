//! One process with Ansible imported, from the service's side.

use std::{
    collections::BTreeMap,
    fs, io,
    os::{
        fd::{AsFd, OwnedFd},
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

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::Deserialize;
use serde_json::json;

use super::{Interpreter, message};
use crate::supervisor::MARKER;

/// Reads the program from the socket that is its standard input: it is part of ours and lies in no file.
const BEGIN: &str = "import os; exec(os.read(0, 1 << 20))";
/// Where the name of a run will stand; as long as one.
const NO_RUN: &str = "00000000-0000-0000-0000-000000000000";
/// How long importing Ansible may take, on a machine that has much else to do.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How long a launch may take.
const LAUNCH_LIMIT: Duration = Duration::from_secs(30);
/// A host that has launched so many is replaced: whatever it leaks has an end.
const MOST_LAUNCHES: u64 = 2000;
/// A host that is larger is replaced.
const MOST_BYTES: u64 = 512 << 20;

/// A host that is ready.
#[derive(Debug)]
pub(super) struct Host {
    control: Mutex<OwnedFd>,
    pid: u32,
    /// This very process, whatever its number is later.
    process: Option<OwnedFd>,
    launches: AtomicU64,
    /// It did not answer once, and is asked no more.
    is_lost: AtomicBool,
    /// What was read when Ansible was imported, as it was then.
    files: Vec<(PathBuf, Option<Stamp>)>,
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
#[serde(rename_all = "snake_case")]
enum Launched {
    Launched(u32),
    Failed(String),
}

impl Host {
    /// Starts one and waits until it has imported Ansible. Blocking.
    ///
    /// # Errors
    /// When there is no such Python, or Ansible cannot be imported into it as it is expected to be.
    pub(super) fn start(interpreter: &Interpreter, environment: &[(String, String)]) -> io::Result<Self> {
        let (control, theirs) = message::pair()?;
        let mut child = Command::new(&interpreter.python)
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
        message::send_bytes(&control, super::program().as_bytes(), &[])?;
        let told = json!({
            "environment": environment.iter().cloned().collect::<BTreeMap<_, _>>(),
            "script_directory": interpreter.scripts,
        });
        message::send(&control, &told, &[])?;
        let (ansible, python, files) = match message::receive(&control)?.0 {
            Started::Ready { ansible, python, files } => (ansible, python, files),
            Started::Unfit(why) => return Err(io::Error::other(why)),
        };
        tracing::debug!(pid, ansible, python, "Ansible is imported, ready for runs");
        message::set_patience(&control, LAUNCH_LIMIT)?;
        let files = files.into_iter().map(|path| (path.clone(), stamp(&path))).collect();
        Ok(Self {
            control: Mutex::new(control),
            pid,
            process,
            launches: AtomicU64::new(0),
            is_lost: AtomicBool::new(false),
            files,
        })
    }

    /// Whether it is still what a fresh one would be, and no burden.
    pub(super) fn is_good(&self) -> bool {
        self.launches.load(Ordering::Relaxed) < MOST_LAUNCHES
            && self.files.iter().all(|(path, then)| stamp(path) == *then)
            && resident(self.pid).is_some_and(|bytes| bytes < MOST_BYTES)
    }

    /// Has it start a supervisor, which is told what to do by the other end of `told`. Blocking, for some milliseconds.
    ///
    /// # Errors
    /// When it is gone or cannot. What it may have started by then ends by itself when it is told nothing.
    pub(super) fn launch(&self, launch: &super::Launch<'_>, told: OwnedFd) -> io::Result<()> {
        let control = self.control.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever waited for the one that waited in vain would wait as long again.
        if self.is_lost.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let launched = self.ask(&control, launch, told);
        if launched.is_err() {
            self.is_lost.store(true, Ordering::Relaxed);
        }
        launched
    }

    fn ask(&self, control: &OwnedFd, launch: &super::Launch<'_>, told: OwnedFd) -> io::Result<()> {
        self.launches.fetch_add(1, Ordering::Relaxed);
        let request = json!({ "run": launch.run, "command": launch.command });
        let files = [launch.program.as_fd(), told.as_fd(), launch.lock.as_fd(), launch.log.as_fd()];
        message::send(control, &request, &files)?;
        match message::receive(control)?.0 {
            Launched::Launched(pid) => {
                tracing::debug!(pid, host = self.pid, "a supervisor was forked");
                Ok(())
            }
            Launched::Failed(why) => Err(io::Error::other(why)),
        }
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
