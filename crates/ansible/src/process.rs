//! The door for processes: find, end and count every descendant.
//!
//! A process group is not enough: ansible-runner, ansible-playbook and each of its workers have sessions of
//! their own, and a playbook may `setsid` or fork twice. The supervisor is a *child subreaper*, so whatever
//! loses its parent becomes the supervisor's own child and never leaves its tree; the tree is read from /proc.
//!
//! Signals go through process descriptors with the start time checked, so a number that was used again cannot
//! hit a stranger.

use std::{
    collections::{HashMap, HashSet},
    fs,
    io::ErrorKind,
    time::{Duration, Instant},
};

use rustix::process::{Pid, PidfdFlags, Signal, getpid, pidfd_open, pidfd_send_signal};
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

    /// Asks the process to stop (SIGTERM). Says whether it was there.
    #[must_use]
    pub fn stop(&self) -> bool {
        self.signal(Signal::TERM)
    }

    /// Sends a signal, unless the process is gone. Says whether it was there.
    #[must_use]
    pub fn signal(&self, signal: Signal) -> bool {
        boot_id().as_deref() == Some(&self.boot_id) && send(self.pid, self.start_time, signal)
    }
}

fn boot_id() -> Option<String> {
    Some(fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?.trim().to_owned())
}

/// What /proc/pid/stat says of a process.
#[derive(Debug, Clone, Copy)]
struct Stat {
    parent: i32,
    start_time: u64,
    is_zombie: bool,
}

fn stat(pid: i32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in parentheses and may contain anything, parentheses too: read on from the last one.
    let fields: Vec<&str> = text.get(text.rfind(')')? + 1..)?.split_ascii_whitespace().collect();
    Some(Stat {
        parent: fields.get(1)?.parse().ok()?,
        start_time: fields.get(19)?.parse().ok()?,
        is_zombie: matches!(fields.first(), Some(&("Z" | "X"))),
    })
}

/// Sends a signal to a process that was started at `start_time`; false when it is gone.
fn send(pid: i32, start_time: u64, signal: Signal) -> bool {
    let Some(number) = Pid::from_raw(pid) else { return false };
    let Ok(descriptor) = pidfd_open(number, PidfdFlags::empty()) else { return false };
    // Checked after opening: from here on the descriptor means that process and no other.
    stat(pid).is_some_and(|now| now.start_time == start_time) && pidfd_send_signal(descriptor, signal).is_ok()
}

/// A process of a run that is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Descendant {
    pid: i32,
    start_time: u64,
}

/// Every descendant of this process that is no zombie.
fn descendants() -> Vec<Descendant> {
    let mut children: HashMap<i32, Vec<(i32, Stat)>> = HashMap::new();
    for pid in numbers() {
        if let Some(stat) = stat(pid) {
            children.entry(stat.parent).or_default().push((pid, stat));
        }
    }
    let mut found = Vec::new();
    let mut parents = vec![getpid().as_raw_nonzero().get()];
    while let Some(parent) = parents.pop() {
        for (pid, stat) in children.remove(&parent).unwrap_or_default() {
            parents.push(pid);
            if !stat.is_zombie {
                found.push(Descendant { pid, start_time: stat.start_time });
            }
        }
    }
    found
}

fn numbers() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// What became of a tree.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ended {
    /// How many processes got a signal of ours.
    pub signaled: u32,
    /// How many are still there: they ignore even SIGKILL, which only the kernel can cause.
    pub survivors: u32,
}

/// Ends descendants and counts them: first politely, then for good.
#[derive(Debug, Default)]
pub struct TreeKill {
    signaled: HashSet<Descendant>,
}

/// How long processes may take to vanish after SIGKILL before they are called survivors.
const KILL_LIMIT: Duration = Duration::from_secs(20);
/// How long to wait before the tree is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

impl TreeKill {
    /// Sends a signal to every descendant; gives how many there are.
    pub fn signal(&mut self, signal: Signal) -> usize {
        let found = descendants();
        for descendant in &found {
            if send(descendant.pid, descendant.start_time, signal) {
                self.signaled.insert(*descendant);
            }
        }
        found.len()
    }

    /// Ends every descendant: `signal` first (SIGTERM, as a rule), SIGKILL after `grace`. Returns when none is
    /// left, or after a bound that only a process stuck in the kernel reaches.
    ///
    /// Somebody else must reap: a zombie is no survivor, but its number stays taken.
    pub fn end(mut self, signal: Signal, grace: Duration) -> Ended {
        let begun = Instant::now();
        let mut left = self.signal(signal);
        while left > 0 && begun.elapsed() < grace {
            std::thread::sleep(LOOK_AGAIN);
            left = descendants().len();
        }
        // A process may fork between a look and a signal, so look until nothing is there.
        let limit = grace + KILL_LIMIT;
        while left > 0 && begun.elapsed() < limit {
            left = self.signal(Signal::KILL);
            if left > 0 {
                std::thread::sleep(LOOK_AGAIN);
            }
        }
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Ended { signaled: count(self.signaled.len()), survivors: count(left) }
    }
}

/// Ends every process that carries `name=value` in its environment; gives how many there were.
///
/// For the tree of a supervisor that is gone: its processes are nobody's descendants now, but the marker that
/// it gave them was inherited by all. Blocking, for as long as the processes take to vanish.
#[must_use]
pub fn end_marked(name: &str, value: &str) -> u32 {
    let marker = format!("{name}={value}");
    let is_marked = |pid: &i32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|&byte| byte == 0).any(|entry| entry == marker.as_bytes())
    };
    let mut ended = HashSet::new();
    let begun = Instant::now();
    while begun.elapsed() < KILL_LIMIT {
        let found: Vec<Descendant> = numbers()
            .filter(is_marked)
            .filter_map(|pid| Some((pid, stat(pid)?)))
            .filter(|(_, stat)| !stat.is_zombie)
            .map(|(pid, stat)| Descendant { pid, start_time: stat.start_time })
            .collect();
        if found.is_empty() {
            break;
        }
        ended.extend(found.into_iter().filter(|found| send(found.pid, found.start_time, Signal::KILL)));
        std::thread::sleep(LOOK_AGAIN);
    }
    u32::try_from(ended.len()).unwrap_or(u32::MAX)
}

/// Waits for children to end until there are none, telling each end: pid and exit code (`None` after a signal).
///
/// Also reaps what was orphaned below us. Meant for a thread of its own.
pub fn reap_children(mut ended: impl FnMut(i32, Option<i32>)) {
    use rustix::process::{WaitOptions, wait};
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) => ended(pid.as_raw_nonzero().get(), status.exit_status()),
            Ok(None) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
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
