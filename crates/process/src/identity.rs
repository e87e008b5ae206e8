//! Identifies a process beyond doubt, by its number and its start time, and sends signals to it.
//!
//! Signals go through process descriptors, and the start time is checked, so they can't hit an unrelated process that got the
//! same number later.

use std::fs;

use rustix::{
    io::Errno,
    process::{Pid, PidfdFlags, Signal, getpid, pidfd_open, pidfd_send_signal},
};
use serde::{Deserialize, Serialize};

/// A process beyond doubt: numbers are used again, start times within a boot are not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Its number.
    pub pid: i32,
    /// When it was started, in clock ticks since boot (field 22 of /proc/pid/stat).
    pub start_time: u64,
    /// The boot it belongs to (/proc/sys/kernel/random/boot_id).
    pub boot_id: String,
}

impl Identity {
    /// This process; `None` where there is no /proc.
    #[must_use]
    pub fn of_this_process() -> Option<Self> {
        let pid = getpid().as_raw_nonzero().get();
        Some(Self { pid, start_time: stat(pid)?.start_time, boot_id: boot_id()? })
    }

    /// Requests the process to stop (SIGTERM). Returns whether it existed.
    #[must_use]
    pub fn stop(&self) -> bool {
        self.signal(Signal::TERM)
    }

    /// Sends a signal. Returns whether the process still existed.
    #[must_use]
    pub fn signal(&self, signal: Signal) -> bool {
        boot_id().as_deref() == Some(&self.boot_id) && send(self.pid, self.start_time, signal) == Sent::Yes
    }
}

/// Which start of the machine this is; `None` where there is no /proc.
#[must_use]
pub fn boot_id() -> Option<String> {
    Some(fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?.trim().to_owned())
}

/// The fields of /proc/pid/stat.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stat {
    pub(crate) parent: i32,
    pub(crate) start_time: u64,
    /// Nothing of it runs any more. A leader that ended before its threads is a zombie too, but lives.
    pub(crate) is_dead: bool,
}

pub(crate) fn stat(pid: i32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name is in parentheses and can contain any character, including parentheses: continue after the last one.
    let fields: Vec<&str> = text.get(text.rfind(')')? + 1..)?.split_ascii_whitespace().collect();
    Some(Stat {
        parent: fields.get(1)?.parse().ok()?,
        start_time: fields.get(19)?.parse().ok()?,
        is_dead: matches!(fields.first(), Some(&("Z" | "X"))) && matches!(fields.get(17), Some(&("0" | "1"))),
    })
}

/// What became of a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    /// The process has it.
    Yes,
    /// The process has exited.
    Gone,
    /// The process belongs to another user, for example one that `become` started.
    NotOurs,
}

/// Sends a signal to a process that was started at `start_time`.
pub(crate) fn send(pid: i32, start_time: u64, signal: Signal) -> Sent {
    let Some(number) = Pid::from_raw(pid) else { return Sent::Gone };
    let Ok(descriptor) = pidfd_open(number, PidfdFlags::empty()) else { return Sent::Gone };
    // Checked after opening: from here on the descriptor means that process and no other.
    if stat(pid).is_none_or(|now| now.start_time != start_time) {
        return Sent::Gone;
    }
    match pidfd_send_signal(descriptor, signal) {
        Ok(()) => Sent::Yes,
        Err(Errno::PERM) => Sent::NotOurs,
        Err(_) => Sent::Gone,
    }
}

/// The numbers of all processes that this one sees.
pub(crate) fn numbers() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_known_and_a_reused_number_is_not_signaled() {
        let identity = Identity::of_this_process().expect("there is a /proc");
        // SIGWINCH is ignored by default: harmless to send to ourselves.
        assert!(identity.signal(Signal::WINCH));
        let other_start = Identity { start_time: identity.start_time + 1, ..identity.clone() };
        assert!(!other_start.signal(Signal::WINCH));
        let other_boot = Identity { boot_id: "another".into(), ..identity };
        assert!(!other_boot.signal(Signal::WINCH));
    }
}
