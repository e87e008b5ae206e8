//! The tree of processes below this one: find, end and count every descendant.
//!
//! A process group is not enough: ansible-runner, ansible-playbook and each of its workers have sessions of
//! their own, and a playbook may `setsid` or fork twice. The supervisor is a *child subreaper*, so whatever
//! loses its parent becomes the supervisor's own child and never leaves its tree; the tree is read from /proc.

use std::{
    collections::{HashMap, HashSet},
    fs,
    io::ErrorKind,
    os::fd::OwnedFd,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use rustix::process::{Signal, getpid};

use crate::identity::{Sent, Stat, numbers, send, stat};

/// A process of a run that is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Descendant {
    pub(crate) pid: i32,
    pub(crate) start_time: u64,
}

/// Every descendant of this process that lives, as far as one look at /proc shows.
///
/// One look can miss a process that forks and ends while the list is read: an empty answer proves nothing.
fn descendants() -> Vec<Descendant> {
    descendants_of(getpid().as_raw_nonzero().get())
}

/// A process and its descendants, parents before children.
pub fn family_of(pid: i32) -> Vec<i32> {
    [pid].into_iter().chain(descendants_of(pid).into_iter().map(|descendant| descendant.pid)).collect()
}

fn descendants_of(ancestor: i32) -> Vec<Descendant> {
    let mut children: HashMap<i32, Vec<(i32, Stat)>> = HashMap::new();
    for pid in numbers() {
        if let Some(stat) = stat(pid) {
            children.entry(stat.parent).or_default().push((pid, stat));
        }
    }
    let mut found = Vec::new();
    let mut parents = vec![ancestor];
    while let Some(parent) = parents.pop() {
        for (pid, stat) in children.remove(&parent).unwrap_or_default() {
            parents.push(pid);
            if !stat.is_dead {
                found.push(Descendant { pid, start_time: stat.start_time });
            }
        }
    }
    found
}

/// The numbers of all descendants of this process that live.
pub(crate) fn descendant_numbers() -> Vec<i32> {
    descendants().into_iter().map(|descendant| descendant.pid).collect()
}

/// Is it the first process of a namespace below ours, as bubblewrap makes one?
fn is_first_of_namespace(pid: i32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:")).unwrap_or_default();
    let numbers: Vec<&str> = numbers.split_ascii_whitespace().collect();
    numbers.len() > 1 && numbers.last() == Some(&"1")
}

/// The names of descendants that a playbook left running, sorted. Connections that SSH keeps open for later tasks are none
/// of what it started, nor is what keeps a sandbox.
pub fn left_running(spared: Option<i32>, keepers: &Keepers) -> Vec<String> {
    let read = |pid: i32, file: &str| fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let is_connection = |pid: &i32| read(*pid, "cmdline").windows(5).any(|part| part == b"[mux]");
    let pids = descendants().into_iter().map(|found| found.pid);
    let pids = pids.filter(|pid| Some(*pid) != spared && !keepers.pids.contains(pid));
    let started = pids.filter(|pid| !is_first_of_namespace(*pid) && !is_connection(pid));
    let mut names: Vec<String> =
        started.map(|pid| String::from_utf8_lossy(&read(pid, "comm")).trim_end().to_owned()).collect();
    names.retain(|name| !name.is_empty());
    names.sort();
    names
}

/// What became of a tree.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ended {
    /// How many processes got a signal of ours.
    pub signaled: u32,
    /// How many are still there although they were told to end.
    pub survivors: u32,
    /// How many of those belong to another user, so that we may not end them.
    pub not_ours: u32,
    /// Did `wait` say that no child is left? Only that is a proof.
    pub is_proven: bool,
}

/// Says that no descendant is left; set by whoever reaps.
///
/// The kernel's answer to `wait` is the proof: every process that loses its parent becomes our child, so as long
/// as one lives, we have a child.
#[derive(Debug, Clone, Default)]
pub struct NoneLeft(Arc<AtomicBool>);

impl NoneLeft {
    fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Processes that keep a sandbox and are none of what a run started. When nothing is held any more they end, and the kernel
/// ends every process that is left in the sandbox.
#[derive(Debug, Default)]
pub struct Keepers {
    /// Their numbers.
    pub pids: HashSet<i32>,
    /// What they wait for: they end when it is closed.
    pub held: Option<OwnedFd>,
}

/// Ends descendants and counts them: first politely, then for good.
#[derive(Debug, Default)]
pub struct TreeKill {
    signaled: HashSet<Descendant>,
    not_ours: HashSet<Descendant>,
    /// A child that is none of what is ended.
    spared: Option<i32>,
    /// Ended last.
    keepers: Keepers,
}

/// How long processes may take to vanish after SIGKILL before they are called survivors.
pub(crate) const KILL_LIMIT: Duration = Duration::from_secs(20);
/// How long to wait before the tree is looked at again.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// The same while it has only begun: most runs leave nothing that takes longer.
const LOOK_SOON: Duration = Duration::from_millis(1);
/// After so many looks that each found new ones, stopping is given up and killing begins.
const MOST_FREEZES: usize = 50;
/// How long to wait for processes of another user, which only end by themselves.
const NOT_OURS_LIMIT: Duration = Duration::from_secs(2);

impl TreeKill {
    /// Spares a child, which has no children itself.
    #[must_use]
    pub fn sparing(spared: Option<i32>) -> Self {
        Self { spared, ..Self::default() }
    }

    /// Ends these when nothing else is left.
    #[must_use]
    pub fn keeping(self, keepers: Keepers) -> Self {
        Self { keepers, ..self }
    }

    /// Descendants that are to end, and whether they keep a sandbox.
    fn to_end(&self) -> impl Iterator<Item = (Descendant, bool)> {
        let found = descendants().into_iter().filter(|found| Some(found.pid) != self.spared);
        found.map(|found| (found, self.keepers.pids.contains(&found.pid)))
    }

    /// Lets the sandbox go when nothing but what keeps it is left.
    fn release_when_empty(&mut self) {
        if self.keepers.held.is_some() && self.to_end().all(|(_, is_keeper)| is_keeper) {
            self.keepers.held = None;
        }
    }

    /// Sends a signal to every descendant that is seen; gives how many could be sent one.
    fn signal(&mut self, signal: Signal) -> usize {
        let mut reached = 0;
        for (descendant, is_keeper) in self.to_end().collect::<Vec<_>>() {
            if is_keeper && self.keepers.held.is_some() {
                continue;
            }
            match send(descendant.pid, descendant.start_time, signal) {
                Sent::Yes => {
                    reached += 1;
                    // What keeps a sandbox is none of the run's: it ends when the run does, a moment later.
                    if !is_keeper && !is_first_of_namespace(descendant.pid) {
                        self.signaled.insert(descendant);
                    }
                }
                Sent::NotOurs => {
                    self.not_ours.insert(descendant);
                }
                Sent::Gone => {}
            }
        }
        reached
    }

    /// Stops every descendant, so that none can fork while the others are ended: what forks without end is faster than
    /// we are otherwise.
    fn freeze(&mut self) {
        for _ in 0..MOST_FREEZES {
            let known = self.signaled.len();
            self.signal(Signal::STOP);
            if self.signaled.len() == known {
                return;
            }
        }
    }

    /// Ends every descendant: SIGTERM first, SIGKILL after `grace`; without grace they are stopped, then killed. Returns
    /// when none is left, or after a bound that only a process stuck in the kernel or one of another user reaches.
    /// `kill_all` is what the kernel can do at once, as far as it can.
    ///
    /// Somebody else must reap all the while, and tell `none_left`.
    #[must_use]
    pub fn end(mut self, grace: Duration, none_left: &NoneLeft, kill_all: impl Fn()) -> Ended {
        let begun = Instant::now();
        if grace.is_zero() {
            self.freeze();
        } else {
            self.signal(Signal::TERM);
        }
        while !none_left.is_set() && begun.elapsed() < grace {
            self.release_when_empty();
            std::thread::sleep(if begun.elapsed() < LOOK_AGAIN { LOOK_SOON } else { LOOK_AGAIN });
        }
        // The kernel ends all that is in the sandbox then.
        self.keepers.held = None;
        let killing = Instant::now();
        while !none_left.is_set() {
            let reached = self.signal(Signal::KILL);
            kill_all();
            let limit = if reached == 0 && !self.not_ours.is_empty() { NOT_OURS_LIMIT } else { KILL_LIMIT };
            if killing.elapsed() >= limit {
                break;
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let mut left = if none_left.is_set() { Vec::new() } else { descendants() };
        left.retain(|found| Some(found.pid) != self.spared);
        let not_ours = left.iter().filter(|descendant| self.not_ours.contains(descendant)).count();
        Ended {
            signaled: count(self.signaled.len()),
            survivors: count(left.len()),
            not_ours: count(not_ours),
            is_proven: none_left.is_set(),
        }
    }
}

/// Ends every descendant for good and waits for it; for when nobody else reaps.
pub fn end_everything() {
    use rustix::process::{WaitOptions, wait};
    let begun = Instant::now();
    let mut kill = TreeKill::default();
    while begun.elapsed() < KILL_LIMIT {
        kill.signal(Signal::KILL);
        match wait(WaitOptions::NOHANG) {
            Ok(Some(_)) => {}
            Ok(None) => std::thread::sleep(LOOK_AGAIN),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

/// The children of this process, dead ones too, as long as nobody else reaps.
///
/// Who loses its parent becomes a child of ours and stays in the list until it is reaped. So whoever reaps and finds
/// only childless ones here knows that there is no other descendant. `None` when it cannot be told now, because threads
/// of ours come or go.
fn children() -> Option<HashSet<i32>> {
    let look = || -> Option<(HashSet<i32>, HashSet<std::ffi::OsString>)> {
        let (mut children, mut threads) = (HashSet::new(), HashSet::new());
        for thread in fs::read_dir("/proc/self/task").ok()? {
            let thread = thread.ok()?;
            // A thread may end meanwhile; its children are then another's.
            let list = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            children.extend(list.split_ascii_whitespace().filter_map(|pid| pid.parse::<i32>().ok()));
            threads.insert(thread.file_name());
        }
        Some((children, threads))
    };
    // When a thread ends its children move to another: looked at before, and again after.
    let (first, second) = (look()?, look()?);
    (first == second).then_some(first.0)
}

/// Whether the kernel lists children at all.
pub fn lists_children() -> bool {
    fs::exists("/proc/thread-self/children").unwrap_or(false)
}

/// Waits for children to end until there are none, or only the spared one, which has none itself; tells each end: pid and
/// exit code (`None` after a signal).
///
/// Also reaps what was orphaned below us. Meant for a thread of its own.
pub fn reap_children(none_left: &NoneLeft, spared: Option<i32>, mut ended: impl FnMut(i32, Option<i32>)) {
    use rustix::process::{WaitOptions, wait};
    loop {
        let is_only_spared = spared.map(|spared| Some(children()?.iter().all(|&child| child == spared)));
        let how = match is_only_spared {
            Some(Some(true)) => return none_left.0.store(true, Ordering::Release),
            // Whoever blocks now may wait for the spared one.
            Some(None) => WaitOptions::NOHANG,
            Some(Some(false)) | None => WaitOptions::empty(),
        };
        match wait(how) {
            Ok(Some((pid, status))) => ended(pid.as_raw_nonzero().get(), status.exit_status()),
            Ok(None) => std::thread::sleep(LOOK_AGAIN),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return none_left.0.store(true, Ordering::Release),
        }
    }
}
