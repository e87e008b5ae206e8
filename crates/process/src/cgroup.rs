//! Control groups: each process of a run can be recognized by the group that it was created in.
//!
//! A supervisor creates a group named after its run below its own, and moves into it before it starts any process. Its
//! descendants are created in that group, and neither `setsid`, a double fork, nor an empty environment removes them from it.
//! Cleaning up after a supervisor that has exited finds the processes of the run by the group name in /proc/pid/cgroup.
//!
//! Any writable hierarchy is suitable: preferably the unified one (v2), because the kernel kills a whole group there
//! (`cgroup.kill`), otherwise one of v1. Limits are set on separate groups that don't contain the supervisor
//! (`tree_group.rs`). Without writable hierarchies, as in a container that mounts them read-only, only the marker in the
//! environment is left.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The hierarchies of v1 that are suitable: a new group there has no other effect.
const V1: [&str; 3] = ["pids", "freezer", "name=systemd"];

/// The group that a run has for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    path: PathBuf,
}

/// The name of a run's group. IDs of runs are unique, so every group with this name belongs to the run.
fn name(run: &str) -> String {
    format!("rangehand-{run}")
}

/// The name of the groups of what the run starts; not that of the supervisor's.
pub(crate) fn tree_name(run: &str) -> String {
    format!("rangehand-{run}-tree")
}

impl Group {
    /// The path of a new group for the run, in the first suitable hierarchy. Doesn't create it.
    ///
    /// # Errors
    /// When no hierarchy is writable.
    pub fn plan(run: &str) -> io::Result<Self> {
        let is_ours = |group: &Self| {
            let parent = group.path.parent();
            parent.is_some_and(|parent| rustix::fs::access(parent, rustix::fs::Access::WRITE_OK).is_ok())
        };
        let mut places = places(run).into_iter();
        places
            .find(is_ours)
            .ok_or_else(|| io::Error::other("the service may not create a control group here"))
    }

    /// A group that was recorded. `None` if it is not the group of a run.
    #[must_use]
    pub fn at(path: PathBuf, run: &str) -> Option<Self> {
        (path.file_name()? == name(run).as_str()).then_some(Self { path })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the group and moves this process into it.
    ///
    /// # Errors
    /// When it cannot be made or entered; then nothing of it is left.
    pub fn enter(&self) -> io::Result<()> {
        fs::create_dir(&self.path)?;
        move_into(&self.path).inspect_err(|_| {
            // What counts is that it could not be entered.
            let _ = self.remove();
        })
    }

    /// Moves another process into it.
    ///
    /// # Errors
    /// When it has exited, or can't be moved.
    pub fn take(&self, pid: i32) -> io::Result<()> {
        fs::write(self.path.join("cgroup.procs"), pid.to_string())
    }

    /// Moves this process back and removes the group, unless something is left in it.
    ///
    /// # Errors
    /// When a process is left in it, above all.
    pub fn leave(&self) -> io::Result<()> {
        move_into(self.path.parent().ok_or(io::ErrorKind::InvalidInput)?)?;
        self.remove()
    }

    /// Removes the group; one that is not there is no error.
    ///
    /// # Errors
    /// When a process is left in it, above all.
    pub fn remove(&self) -> io::Result<()> {
        match fs::remove_dir(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }
}

/// Zero stands for the writing process; all its threads move.
fn move_into(group: &Path) -> io::Result<()> {
    fs::write(group.join("cgroup.procs"), "0")
}

/// Is the process in the group of the run, or below?
pub(crate) fn holds(run: &str, pid: i32) -> bool {
    let text = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    is_within(&text, &name(run)) || is_within(&text, &tree_name(run))
}

fn is_within(cgroups: &str, name: &str) -> bool {
    let mut paths = cgroups.lines().filter_map(|line| line.splitn(3, ':').nth(2));
    paths.any(|path| path.split('/').any(|part| part == name))
}

/// Lets the kernel kill all that is in the group of the run, which leaves a tree that forks no time to. Does nothing
/// where the kernel cannot do that.
pub(crate) fn kill(run: &str) {
    for group in places(run) {
        // Without the file there is no such group, or a kernel before 5.14; opened, never made.
        if let Ok(mut file) = fs::OpenOptions::new().write(true).open(group.path.join("cgroup.kill")) {
            // Signals to each process do the same, more slowly.
            let _ = io::Write::write_all(&mut file, b"1");
        }
    }
}

/// Removes the group of the run at the path where this process would create it, because the record of the path can be missing.
pub(crate) fn remove(run: &str) {
    for group in places(run) {
        if let Err(error) = group.remove() {
            tracing::warn!(group = %group.path.display(), %error, "the control group of a run cannot be removed");
        }
    }
}

/// Where a group of this run would be, seen from where this process is; the best place first.
fn places(run: &str) -> Vec<Group> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let cgroups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let name = name(run);
    homes(&mounts, &cgroups).into_iter().map(|home| Group { path: home.join(&name) }).collect()
}

/// The directory of this process's group in one hierarchy. `None` means the unified one.
pub(crate) fn home_in(hierarchy: Option<&str>) -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    home(&mounts, &fs::read_to_string("/proc/self/cgroup").ok()?, hierarchy)
}

/// The directories of the groups that a process is in.
fn homes(mounts: &str, cgroups: &str) -> Vec<PathBuf> {
    let hierarchies = std::iter::once(None).chain(V1.map(Some));
    hierarchies.filter_map(|hierarchy| home(mounts, cgroups, hierarchy)).collect()
}

/// The directory of a process in one hierarchy. `None` means the unified one.
fn home(mounts: &str, cgroups: &str, hierarchy: Option<&str>) -> Option<PathBuf> {
    let is_it = |controllers: &str| match hierarchy {
        None => controllers.is_empty(),
        Some(name) => controllers.split(',').any(|controller| controller == name),
    };
    let path = cgroups.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        is_it(fields.next()?).then(|| fields.next())?
    })?;
    mounts.lines().find_map(|line| {
        let (place, kind) = line.split_once(" - ")?;
        let mut kind = kind.split(' ');
        let is_it = match (kind.next()?, hierarchy) {
            ("cgroup2", None) => true,
            ("cgroup", Some(name)) => kind.nth(1)?.split(',').any(|option| option == name),
            _ => false,
        };
        let mut place = place.split(' ').skip(3);
        let (root, directory) = (place.next()?, place.next()?);
        // Groups outside of the mounted part are unreachable.
        let below = Path::new(path).strip_prefix(root).ok()?;
        let is_reachable = is_it && !path.split('/').any(|part| part == "..");
        is_reachable.then(|| Path::new(directory).join(below))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
        24 30 0:22 / /proc rw,nosuid - proc proc rw\n\
        33 31 0:30 / /sys/fs/cgroup/cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n\
        39 31 0:36 / /sys/fs/cgroup/pids rw,relatime shared:9 - cgroup cgroup rw,pids\n\
        40 31 0:37 /docker/abc /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n\
        41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";

    #[test]
    fn a_place_is_found_in_every_hierarchy_that_serves() {
        let cgroups = "8:pids:/user\n5:cpu,cpuacct:/\n1:name=systemd:/docker/abc/x\n0::/a b/c\n";
        let found = homes(MOUNTS, cgroups);
        let expected =
            ["/sys/fs/cgroup/unified/a b/c", "/sys/fs/cgroup/pids/user", "/sys/fs/cgroup/systemd/x"];
        assert_eq!(found, expected.map(PathBuf::from));
    }

    #[test]
    fn what_lies_outside_of_a_mount_is_no_place() {
        assert_eq!(homes(MOUNTS, "1:name=systemd:/docker/other\n0::/../other\n"), Vec::<PathBuf>::new());
        assert_eq!(homes("", "0::/\n"), Vec::<PathBuf>::new());
    }

    #[test]
    fn a_process_belongs_to_the_run_whose_name_is_a_whole_part_of_its_path() {
        let name = name("0198");
        for (cgroups, is_member) in [
            ("0::/rangehand-0198\n", true),
            ("8:pids:/\n0::/system.slice/rangehand-0198/inner\n", true),
            ("0::/../rangehand-0198\n", true),
            ("0::/rangehand-01981\n", false),
            ("0::/my-rangehand-0198\n", false),
            ("0::/\n", false),
            ("", false),
        ] {
            assert_eq!(is_within(cgroups, &name), is_member, "{cgroups}");
        }
    }

    #[test]
    fn only_a_group_of_that_name_is_taken_for_a_recorded_one() {
        assert!(Group::at("/sys/fs/cgroup/rangehand-1".into(), "1").is_some());
        assert_eq!(Group::at("/sys/fs/cgroup/rangehand-2".into(), "1"), None);
        assert_eq!(Group::at("/".into(), "1"), None);
    }
}
