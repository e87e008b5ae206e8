//! Processes to kill: those of a service that start runs, and those of its runs.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::memory;

/// How long a process may take to stop.
const STOPPING: Duration = Duration::from_secs(5);

/// All processes of this machine, by number.
fn processes() -> impl Iterator<Item = i32> {
    let numbers = fs::read_dir("/proc").expect("there is a /proc").flatten();
    numbers.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The state and the parent of a process.
fn stat(pid: i32) -> Option<(char, i32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

/// The children of a process that live.
pub(crate) fn children(parent: i32) -> Vec<i32> {
    processes().filter(|pid| stat(*pid).is_some_and(|(state, of)| of == parent && state != 'Z')).collect()
}

/// The processes with Ansible imported of a service, and the supervisors that they keep for runs to come, with the children
/// of those.
pub(crate) fn beginners(service: i32) -> Vec<i32> {
    // Supervisors that the service started itself are its children, too.
    let hosts: Vec<_> = children(service).into_iter().filter(|pid| is_host(*pid)).collect();
    let waiting: Vec<_> =
        hosts.iter().flat_map(|host| children(*host)).filter(|pid| is_spare(*pid)).collect();
    let theirs: Vec<_> = waiting.iter().flat_map(|spare| children(*spare)).collect();
    hosts.into_iter().chain(waiting).chain(theirs).collect()
}

fn is_host(pid: i32) -> bool {
    let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&command).contains("exec(os.read(0")
}

fn is_spare(pid: i32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name == "rangehand-spare\n")
}

/// Sends a signal. Returns whether the process existed.
pub(crate) fn signal(pid: i32, signal: Signal) -> bool {
    Pid::from_raw(pid).is_some_and(|pid| kill_process(pid, signal).is_ok())
}

/// A supervisor that was stopped, so that what is found of its run stays so.
pub(crate) struct Stopped {
    pub(crate) pid: i32,
    /// Ansible may have been executed.
    pub(crate) has_begun: bool,
    /// By what the run is known: its id, and the name of its job where that can be read.
    pub(crate) names: Vec<String>,
}

impl Stopped {
    /// `None` when it has ended.
    pub(crate) fn stop(run: &Path, runtime: &Path) -> Option<Self> {
        let pid = memory::supervisor(run)?;
        signal(pid, Signal::STOP);
        let begun = Instant::now();
        while stat(pid)?.0 != 'T' {
            if begun.elapsed() > STOPPING {
                signal(pid, Signal::CONT);
                return None;
            }
            std::thread::yield_now();
        }
        let has_begun = fs::read_link(run.join("begun")).is_ok_and(|said| said == Path::new("began"));
        let id = run.file_name()?.to_string_lossy().into_owned();
        let names = name(runtime, &id).into_iter().chain([id]).collect();
        Some(Self { pid, has_begun, names })
    }

    /// What it has begun.
    pub(crate) fn children(&self) -> Vec<i32> {
        children(self.pid)
    }

    /// Resumes it.
    pub(crate) fn resume(&self) {
        signal(self.pid, Signal::CONT);
    }
}

/// The variable `name` of a run.
fn name(runtime: &Path, id: &str) -> Option<String> {
    let directory: PathBuf = runtime.join(id.rsplit_once('-')?.1);
    let text = fs::read(directory.join("extra-vars.json")).ok()?;
    let variables: Value = serde_json::from_slice(&text).ok()?;
    let name = &variables["name"];
    name.as_str().or_else(|| name["__ansible_unsafe"].as_str()).map(str::to_owned)
}
