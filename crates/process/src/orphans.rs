//! The processes of a run whose supervisor has exited.
//!
//! While the supervisor lives they are its descendants (`tree.rs`). Afterwards they are children of the machine's first
//! process, and only what they inherited identifies them.

use std::{collections::HashSet, fs, time::Instant};

use rustix::process::Signal;

use crate::{
    cgroup,
    identity::{Sent, numbers, send, stat},
    tree::{Descendant, KILL_LIMIT, SCAN_INTERVAL},
    tree_group,
};

/// The environment variable that every process of a run carries; its value is the run's id.
pub const MARKER: &str = "RANGEHAND_RUN";

/// One scan of /proc can miss a process that forks and exits meanwhile. This many empty scans in a row hardly can.
const EMPTY_SCANS: u32 = 5;

/// Terminates every process of a run whose supervisor has exited. Returns how many there were.
///
/// They have no ancestor of the run left, and are found by what all of them inherited. Any of these is enough: the marker
/// `name=run` in the environment, unless they were started with another environment; a control group of the run, if there is
/// one; the mount namespace of the run, if it has one: an overlay whose upper layer is the run's. `short` is the short ID of
/// the run. Root can leave all three. Blocks until the processes have exited.
#[must_use]
pub fn end(name: &str, run: &str, short: &str) -> u32 {
    let marker = format!("{name}={run}");
    let is_marked = |pid: i32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|&byte| byte == 0).any(|entry| entry == marker.as_bytes())
    };
    let own = fs::read_link("/proc/self/ns/mnt").ok();
    // Mounts that this process sees as well prove nothing.
    let is_private = !is_in_view("self", run, short);
    let is_viewer = |pid: i32| {
        let pid = pid.to_string();
        is_private && fs::read_link(format!("/proc/{pid}/ns/mnt")).ok() != own && is_in_view(&pid, run, short)
    };
    let mut ended = HashSet::new();
    let mut empty_scans = 0;
    let begun = Instant::now();
    while empty_scans < EMPTY_SCANS && begun.elapsed() < KILL_LIMIT {
        // The start time is read before the process is judged and checked when it is signaled: one process all along.
        let found: Vec<Descendant> = numbers()
            .filter_map(|pid| Some((pid, stat(pid)?)))
            .filter(|(pid, stat)| {
                !stat.is_dead && (cgroup::holds(run, *pid) || is_marked(*pid) || is_viewer(*pid))
            })
            .map(|(pid, stat)| Descendant { pid, start_time: stat.start_time })
            .collect();
        empty_scans = if found.is_empty() { empty_scans + 1 } else { 0 };
        let killed = |found: &Descendant| send(found.pid, found.start_time, Signal::KILL) == Sent::Yes;
        ended.extend(found.into_iter().filter(killed));
        cgroup::kill(run);
        std::thread::sleep(SCAN_INTERVAL);
    }
    tree_group::remove_of(run);
    cgroup::remove(run);
    u32::try_from(ended.len()).unwrap_or(u32::MAX)
}

/// Does the process see an overlay whose upper layer is the run's? Nothing outside of the mount namespace of a run does,
/// and the ids of runs are random.
fn is_in_view(pid: &str, run: &str, short: &str) -> bool {
    let mounts = fs::read_to_string(format!("/proc/{pid}/mountinfo")).unwrap_or_default();
    mounts.lines().any(|mount| has_upper_layer_of(mount, run, short))
}

/// Of a line of /proc/pid/mountinfo (proc_pid_mountinfo(5)).
fn has_upper_layer_of(mount: &str, run: &str, short: &str) -> bool {
    let Some(options) = mount.split_once(" - overlay ").and_then(|(_, rest)| rest.rsplit(' ').next()) else {
        return false;
    };
    let upper = options.split(',').find_map(|option| option.strip_prefix("upperdir="));
    upper.is_some_and(|path| path.split('/').any(|part| part == run || part == short))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_upper_layer_below_a_directory_of_the_run_is_a_trace() {
        let mount = |kind: &str, options: &str| {
            format!("90 23 0:62 / /srv/playbooks rw,relatime - {kind} {kind} {options}")
        };
        for (kind, options, is_trace) in [
            (
                "overlay",
                "rw,lowerdir=/a,upperdir=/run/rangehand/2b6f5f0f4d11/content/0/upper,workdir=/w",
                true,
            ),
            ("overlay", "rw,upperdir=/state/runs/0198-full/content/0/upper,workdir=/w", true),
            ("overlay", "rw,lowerdir=/run/rangehand/2b6f5f0f4d11/x,upperdir=/b,workdir=/w", false),
            ("overlay", "rw,upperdir=/run/rangehand/2b6f5f0f4d11x/upper,workdir=/w", false),
            ("ext4", "rw,upperdir=/run/rangehand/2b6f5f0f4d11/upper", false),
        ] {
            let mount = mount(kind, options);
            assert_eq!(has_upper_layer_of(&mount, "0198-full", "2b6f5f0f4d11"), is_trace, "{mount}");
        }
    }
}
