//! The tree of processes below this one: finds, terminates, and counts all descendants.
//!
//! A process group is not enough: ansible-runner, ansible-playbook, and each of its workers have their own sessions, and a
//! playbook can `setsid` or fork twice. The supervisor is a *child subreaper*: a process that loses its parent becomes a child
//! of the supervisor and never leaves its tree. The tree is read from /proc.

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

/// Every living descendant of this process, as far as one scan of /proc shows.
///
/// A scan can miss a process that forks and exits while the list is read: an empty result proves nothing.
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

/// Whether it is the first process of a namespace below this one, such as bubblewrap creates.
fn is_first_of_namespace(pid: i32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:")).unwrap_or_default();
    let numbers: Vec<&str> = numbers.split_ascii_whitespace().collect();
    numbers.len() > 1 && numbers.last() == Some(&"1")
}

/// The names of descendants that a playbook left running, sorted. Excludes connections that SSH keeps open for later tasks, and
/// the processes that keep a sandbox.
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

/// The result of terminating a tree.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ended {
    /// How many processes got a signal.
    pub signaled: u32,
    /// How many are still running although they got a signal.
    pub survivors: u32,
    /// How many of those belong to another user, and can't be signaled.
    pub not_ours: u32,
    /// Whether `wait` returned that no child is left. Only that is a proof.
    pub is_proven: bool,
}

/// Set by the thread that reaps, when no descendant is left.
///
/// The result of `wait` is the proof: every process that loses its parent becomes a child of this one, so as long as a
/// descendant lives, this process has a child.
#[derive(Debug, Clone, Default)]
pub struct NoneLeft(Arc<AtomicBool>);

impl NoneLeft {
    fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Processes that keep a sandbox. The run did not start them. They exit when `held` is closed, and the kernel then kills every
/// process that is left in the sandbox.
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
    /// A child that is not terminated.
    spared: Option<i32>,
    /// Ended last.
    keepers: Keepers,
}

/// How long processes may take to vanish after SIGKILL before they are called survivors.
pub(crate) const KILL_LIMIT: Duration = Duration::from_secs(20);
/// How long to wait before the next scan of the tree.
pub(crate) const SCAN_INTERVAL: Duration = Duration::from_millis(10);
/// The same at first: most runs leave nothing that takes longer.
const SCAN_SOON: Duration = Duration::from_millis(1);
/// After this many scans that each found new processes, stopping is given up and killing begins.
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

    /// Sends a signal to every descendant that is seen. Returns how many got it.
    fn signal(&mut self, signal: Signal) -> usize {
        let mut reached = 0;
        for (descendant, is_keeper) in self.to_end().collect::<Vec<_>>() {
            if is_keeper && self.keepers.held.is_some() {
                continue;
            }
            match send(descendant.pid, descendant.start_time, signal) {
                Sent::Yes => {
                    reached += 1;
                    // What keeps a sandbox is not part of the run: it exits a moment after the run.
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

    /// Stops every descendant, so that none can fork while the others are killed. Otherwise a process that forks without end
    /// is faster than the scans.
    fn freeze(&mut self) {
        for _ in 0..MOST_FREEZES {
            let known = self.signaled.len();
            self.signal(Signal::STOP);
            if self.signaled.len() == known {
                return;
            }
        }
    }

    /// Terminates every descendant: SIGTERM first, SIGKILL after `grace`. Without grace they are stopped, then killed. Returns
    /// when none is left, or after a limit that only a process stuck in the kernel or one of another user reaches.
    /// `kill_all` kills as many as the kernel can kill in one call.
    ///
    /// Another thread must reap meanwhile, and set `none_left`.
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
            std::thread::sleep(if begun.elapsed() < SCAN_INTERVAL { SCAN_SOON } else { SCAN_INTERVAL });
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
            std::thread::sleep(SCAN_INTERVAL);
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

/// Kills every descendant and waits for it, if no other thread reaps.
pub fn end_everything() {
    use rustix::process::{WaitOptions, wait};
    let begun = Instant::now();
    let mut kill = TreeKill::default();
    while begun.elapsed() < KILL_LIMIT {
        kill.signal(Signal::KILL);
        match wait(WaitOptions::NOHANG) {
            Ok(Some(_)) => {}
            Ok(None) => std::thread::sleep(SCAN_INTERVAL),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

/// The children of this process, including dead ones, as long as no other thread reaps.
///
/// A process that loses its parent becomes a child of this one and stays in the list until it is reaped. If all children in the
/// list are childless, there is no other descendant. `None` if the list is unknown, because threads of this process start or
/// end.
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
    // When a thread ends, its children move to another one: read before, and again after.
    let (first, second) = (look()?, look()?);
    (first == second).then_some(first.0)
}

/// Whether the kernel lists children at all.
pub fn lists_children() -> bool {
    fs::exists("/proc/thread-self/children").unwrap_or(false)
}

/// Waits for children to exit until there are none, or only the spared one, which has none itself. Reports each exit: PID and
/// exit code (`None` after a signal).
///
/// Also reaps orphans below this process. Meant for a separate thread.
pub fn reap_children(none_left: &NoneLeft, spared: Option<i32>, mut ended: impl FnMut(i32, Option<i32>)) {
    use rustix::process::{WaitOptions, wait};
    loop {
        let is_only_spared = spared.map(|spared| Some(children()?.iter().all(|&child| child == spared)));
        let how = match is_only_spared {
            Some(Some(true)) => return none_left.0.store(true, Ordering::Release),
            // A blocking call could wait for the spared one.
            Some(None) => WaitOptions::NOHANG,
            Some(Some(false)) | None => WaitOptions::empty(),
        };
        match wait(how) {
            Ok(Some((pid, status))) => ended(pid.as_raw_nonzero().get(), status.exit_status()),
            Ok(None) => std::thread::sleep(SCAN_INTERVAL),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return none_left.0.store(true, Ordering::Release),
        }
    }
}
