//! The control groups of everything that a run starts, without its supervisor: limits, and killing the whole group.
//!
//! The kernel counts what no scan of /proc can: shared pages, and processes that live for a moment. In the unified hierarchy
//! (v2) one group does all. In v1 one hierarchy counts memory and one processes. Groups that can't be created are left out,
//! and [`crate::usage`] counts instead.
//!
//! In v2 a group that contains processes can't limit groups below it. So the group of the tree is next to that of the
//! supervisor: below the service's group if only its children need limits, or next to the service's group, as systemd
//! arranges it with `Delegate=yes` and `DelegateSubgroup=`.

use std::{
    fs, io,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use crate::{cgroup, limits::Excess};

/// Groups that were made for a run.
#[derive(Debug, Default)]
pub struct TreeGroup {
    /// All of them. Every process of the run enters each.
    groups: Vec<PathBuf>,
    memory: Option<PathBuf>,
    processes: Option<PathBuf>,
}

impl TreeGroup {
    /// Makes what can be made, with these limits; 0 sets none.
    pub fn make(run: &str, memory: u64, processes: u64) -> Self {
        let mut made = Self::default();
        let unified = cgroup::home_in(None);
        let around = unified.as_deref().and_then(Path::parent).map(Path::to_owned);
        for parent in unified.iter().chain(&around) {
            // A group with limits is preferred; a group that only kills processes is better than none.
            if made.groups.is_empty() && delegate(parent).is_ok() {
                made.add(&parent.join(cgroup::tree_name(run)), memory, processes);
            }
        }
        if let Some(parent) = unified.filter(|_| made.groups.is_empty()) {
            made.add(&parent.join(cgroup::tree_name(run)), 0, 0);
        }
        for controller in ["memory", "pids"] {
            let home = cgroup::home_in(Some(controller));
            if let Some(home) = home.filter(|_| made.lacks(controller)) {
                made.add(&home.join(cgroup::tree_name(run)), memory, processes);
            }
        }
        made
    }

    fn lacks(&self, controller: &str) -> bool {
        if controller == "memory" { self.memory.is_none() } else { self.processes.is_none() }
    }

    fn add(&mut self, group: &Path, memory: u64, processes: u64) {
        if let Err(error) = fs::create_dir(group) {
            tracing::debug!(group = %group.display(), %error, "a run has no control group there");
            return;
        }
        self.groups.push(group.to_owned());
        self.limit(group, memory, processes);
    }

    fn limit(&mut self, group: &Path, memory: u64, processes: u64) {
        if memory > 0 && self.memory.is_none() && limit_memory(group, memory).is_ok() {
            self.memory = Some(group.to_owned());
        }
        if processes > 0
            && self.processes.is_none()
            && write(group, "pids.max", &processes.to_string()).is_ok()
        {
            self.processes = Some(group.to_owned());
        }
    }

    /// The groups to enter.
    pub fn groups(&self) -> &[PathBuf] {
        &self.groups
    }

    /// Does the kernel count memory?
    pub fn counts_memory(&self) -> bool {
        self.memory.is_some()
    }

    /// Does the kernel count processes?
    pub fn counts_processes(&self) -> bool {
        self.processes.is_some()
    }

    /// How many processes the kernel has ended because the run had too much memory.
    pub fn ended_by_kernel(&self) -> u64 {
        // v2 reports it in one file, v1 in the other.
        let ended = |group: &PathBuf| {
            counter(group, "memory.events", "oom_kill") + counter(group, "memory.oom_control", "oom_kill")
        };
        self.memory.as_ref().map_or(0, ended)
    }

    /// What the kernel refused the run, as far as it did.
    pub fn excess(&self) -> Option<Excess> {
        if self.ended_by_kernel() > 0 {
            return Some(Excess::Memory);
        }
        let processes = |group: &PathBuf| counter(group, "pids.events", "max") > 0;
        self.processes.as_ref().is_some_and(processes).then_some(Excess::Processes)
    }

    /// Ends all that is in them at once, where the kernel can (v2 from 5.14).
    pub fn kill(&self) {
        for group in &self.groups {
            // Without the file the signals to each process do it.
            let _ = write(group, "cgroup.kill", "1");
        }
    }

    /// Removes them; nothing may be left in them.
    pub fn remove(&self) {
        self.groups.iter().for_each(|group| remove(group));
    }
}

/// A version of control groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// A hierarchy for each controller.
    V1,
    /// The unified hierarchy.
    V2,
}

impl Version {
    fn of(group: &Path) -> Self {
        if group.join("cgroup.controllers").exists() { Self::V2 } else { Self::V1 }
    }
}

/// By which control groups the kernel can limit memory, and processes, for what this process starts; `None` where it cannot.
/// Tried with a group that is removed at once.
#[must_use]
pub fn limits_by_kernel() -> [Option<Version>; 2] {
    let group = TreeGroup::make(&format!("probe-{}", std::process::id()), u64::from(u32::MAX), 1000);
    let versions = [&group.memory, &group.processes].map(|group| group.as_deref().map(Version::of));
    group.remove();
    versions
}

/// Removes the groups of a run whose supervisor has exited.
pub(crate) fn remove_of(run: &str) {
    let unified = cgroup::home_in(None);
    let around = unified.as_deref().and_then(Path::parent).map(Path::to_owned);
    let v1 = ["memory", "pids"].into_iter().filter_map(|controller| cgroup::home_in(Some(controller)));
    for home in unified.into_iter().chain(around).chain(v1) {
        remove(&home.join(cgroup::tree_name(run)));
    }
}

/// A group counts as busy for a moment after its last process was reaped.
fn remove(group: &Path) {
    for _ in 0..50 {
        match fs::remove_dir(group) {
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                thread::sleep(Duration::from_millis(10));
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(group = %group.display(), %error, "a control group cannot be removed");
                return;
            }
            _ => return,
        }
    }
    tracing::warn!(group = %group.display(), "a control group cannot be removed: processes are left in it");
}

/// Lets groups below this one have limits.
fn delegate(parent: &Path) -> io::Result<()> {
    let has = fs::read_to_string(parent.join("cgroup.subtree_control"))?;
    let has = |controller: &str| has.split_ascii_whitespace().any(|one| one == controller);
    if has("memory") && has("pids") {
        return Ok(());
    }
    write(parent, "cgroup.subtree_control", "+memory +pids")
}

fn limit_memory(group: &Path, bytes: u64) -> io::Result<()> {
    let bytes = bytes.to_string();
    if write(group, "memory.max", &bytes).is_ok() {
        // Some kernels have neither file: without swap there is nothing to limit.
        let _ = write(group, "memory.swap.max", "0");
        let _ = write(group, "memory.oom.group", "1");
        return Ok(());
    }
    write(group, "memory.limit_in_bytes", &bytes)?;
    // Memory and swap together; missing where the kernel does not count swap.
    let _ = write(group, "memory.memsw.limit_in_bytes", &bytes);
    Ok(())
}

/// Opens a file, and never creates one: writing a missing file must fail.
fn write(group: &Path, file: &str, text: &str) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).open(group.join(file))?;
    io::Write::write_all(&mut file, text.as_bytes())
}

fn counter(group: &Path, file: &str, name: &str) -> u64 {
    let text = fs::read_to_string(group.join(file)).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    line.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group_with(files: &[(&str, &str)]) -> tempfile::TempDir {
        let group = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(group.path().join(name), text).unwrap();
        }
        group
    }

    #[test]
    fn limits_are_written_as_each_version_names_them() {
        let v2 = group_with(&[("memory.max", ""), ("memory.swap.max", ""), ("memory.oom.group", "")]);
        limit_memory(v2.path(), 1000).unwrap();
        let read = |group: &tempfile::TempDir, file| fs::read_to_string(group.path().join(file)).unwrap();
        assert_eq!(read(&v2, "memory.max"), "1000");
        assert_eq!((read(&v2, "memory.swap.max"), read(&v2, "memory.oom.group")), ("0".into(), "1".into()));
        let v1 = group_with(&[("memory.limit_in_bytes", "")]);
        limit_memory(v1.path(), 1000).unwrap();
        assert_eq!(read(&v1, "memory.limit_in_bytes"), "1000");
        assert!(limit_memory(group_with(&[]).path(), 1000).is_err());
    }

    /// In place of the kernel's files plain ones, as a kernel names them in the unified hierarchy (cgroup-v2.rst).
    #[test]
    fn in_the_unified_hierarchy_one_group_counts_both_and_ends_all_at_once() {
        let read = |group: &tempfile::TempDir, file| fs::read_to_string(group.path().join(file)).unwrap();
        let parent = group_with(&[("cgroup.subtree_control", "")]);
        delegate(parent.path()).unwrap();
        assert_eq!(read(&parent, "cgroup.subtree_control"), "+memory +pids");
        let delegated = group_with(&[("cgroup.subtree_control", "cpu memory pids\n")]);
        delegate(delegated.path()).unwrap();
        assert_eq!(read(&delegated, "cgroup.subtree_control"), "cpu memory pids\n", "others' are left alone");
        assert!(delegate(group_with(&[]).path()).is_err());

        let files = ["memory.max", "memory.swap.max", "memory.oom.group", "pids.max", "cgroup.kill"];
        let group = group_with(&files.map(|file| (file, "")));
        let mut made = TreeGroup { groups: vec![group.path().to_owned()], ..TreeGroup::default() };
        made.limit(group.path(), 1 << 30, 500);
        assert!(made.counts_memory() && made.counts_processes());
        assert_eq!(
            (read(&group, "memory.max"), read(&group, "pids.max")),
            ("1073741824".into(), "500".into())
        );
        assert_eq!(made.excess(), None, "files that are not there count nothing");
        fs::write(group.path().join("pids.events"), "max 1\n").unwrap();
        assert_eq!(made.excess(), Some(Excess::Processes));
        fs::write(group.path().join("memory.events"), "oom 1\noom_kill 1\n").unwrap();
        assert_eq!(made.excess(), Some(Excess::Memory));
        made.kill();
        assert_eq!(read(&group, "cgroup.kill"), "1");

        let mut without = TreeGroup::default();
        without.limit(group_with(&[]).path(), 1 << 30, 500);
        assert!(!without.counts_memory() && !without.counts_processes());
    }

    #[test]
    fn what_the_kernel_refused_is_read_from_either_version() {
        for (file, text, excess) in [
            ("memory.events", "low 0\noom 1\noom_kill 2\noom_group_kill 1\n", Some(Excess::Memory)),
            ("memory.events", "low 0\noom 1\noom_kill 0\n", None),
            ("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n", Some(Excess::Memory)),
            ("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n", None),
            ("pids.events", "max 7\n", Some(Excess::Processes)),
            ("pids.events", "max 0\n", None),
        ] {
            let group = group_with(&[(file, text)]);
            let path = Some(group.path().to_owned());
            let groups = TreeGroup { groups: Vec::new(), memory: path.clone(), processes: path };
            assert_eq!(groups.excess(), excess, "{file}: {text}");
        }
    }
}
