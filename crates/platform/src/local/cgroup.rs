//! Control groups of machines: entered by the first process before it starts anything, with limits where the kernel has them.
//!
//! A guest always has one of its own: two guests in one would take each other's services for their own. Where systemd manages this
//! machine, `systemd-nspawn` has a scope made by it instead.

use std::{
    fs, io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

const ROOT: &str = "/sys/fs/cgroup";
/// The hierarchies: the unified one, or those of version 1 that matter here.
const PLACES: [&str; 5] = ["", "systemd", "unified", "memory", "pids"];
/// The most processes of a machine.
const MOST_PROCESSES: &str = "4096";
/// How long killed processes may take to leave their group, and the time between two attempts to remove it.
const LEAVE_WITHIN: Duration = Duration::from_secs(5);
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Does systemd manage this machine, and its control groups?
pub(super) fn is_managed() -> bool {
    Path::new("/run/systemd/system").is_dir()
}

/// Makes the groups of a machine where that is possible.
pub(super) fn make(name: &str, memory_mb: u32) -> Vec<PathBuf> {
    if is_managed() {
        return Vec::new();
    }
    let bytes = (u64::from(memory_mb) << 20).to_string();
    let mut made = Vec::new();
    for place in places() {
        let group = place.join(name);
        // Without one a machine has no limits, and runs.
        if fs::create_dir(&group).is_err() && !group.is_dir() {
            continue;
        }
        for (file, value) in
            [("memory.max", bytes.as_str()), ("memory.limit_in_bytes", &bytes), ("pids.max", MOST_PROCESSES)]
        {
            let file = group.join(file);
            if file.exists() {
                let _ = fs::write(file, value);
            }
        }
        made.push(group);
    }
    made
}

/// Removes the groups of a machine, and those that it made below. Processes that were just killed take a moment to leave them.
pub(super) fn remove(name: &str) -> io::Result<()> {
    remove_with(name, || thread::sleep(LOOK_AGAIN))
}

fn remove_with(name: &str, mut pause: impl FnMut()) -> io::Result<()> {
    let begun = Instant::now();
    for group in places().map(|place| place.join(name)) {
        while let Err(error) = remove_below(&group) {
            if error.kind() != io::ErrorKind::ResourceBusy || begun.elapsed() > LEAVE_WITHIN {
                return Err(error);
            }
            pause();
        }
    }
    Ok(())
}

fn places() -> impl Iterator<Item = PathBuf> {
    PLACES.iter().map(|place| Path::new(ROOT).join(place)).filter(|place| place.join("cgroup.procs").exists())
}

fn remove_below(group: &Path) -> io::Result<()> {
    let entries = fs::read_dir(group).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        remove_below(&entry.path())?;
    }
    match fs::remove_dir(group) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    #[expect(clippy::print_stderr, reason = "a test that shows nothing says so")]
    fn groups_are_removed_when_their_processes_have_ended() {
        let name = format!("rangehand-test-{}", std::process::id());
        let groups = make(&name, 64);
        if groups.is_empty() {
            eprintln!("NOT TESTED: no control groups can be made here");
            return;
        }
        let mut process =
            Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("cat");
        for group in &groups {
            fs::create_dir(group.join("below")).expect("a group below");
            fs::write(group.join("below/cgroup.procs"), process.id().to_string()).expect("entered");
        }
        let mut pauses = 0;
        let end = || {
            pauses += 1;
            drop(process.stdin.take());
            process.wait().expect("it ends");
        };
        remove_with(&name, end).expect("all are removed");
        assert!(pauses > 0);
        assert!(groups.iter().all(|group| !group.exists()), "{groups:?}");
    }
}
