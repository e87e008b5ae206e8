//! Watches whether a run exceeds its limits of memory and processes, from a separate thread.
//!
//! Where the kernel enforces the limits (`tree_group.rs`), this polls whether it refused something. Elsewhere it counts
//! descendants and sums up their memory as proportional shares (PSS), because Ansible's workers share most of theirs. A poll
//! every half second can be late.

use std::{fs, sync::Arc, thread, time::Duration};

use crate::{
    limits::{Excess, Limits},
    tree,
    tree_group::TreeGroup,
};

/// The kernel's own counters are small files.
const ASK_EVERY: Duration = Duration::from_millis(200);
/// A scan of all of /proc takes a few milliseconds.
const SCAN_EVERY: Duration = Duration::from_millis(500);

/// Watches until the run exceeds a limit, or `report` returns false because the receiver has ended.
pub fn watch(
    groups: Arc<TreeGroup>,
    limits: Limits,
    report: impl Fn(Option<Excess>) -> bool + Send + 'static,
) {
    let by_kernel = |limit: u64, counts: bool| limit == 0 || counts;
    let must_scan = !by_kernel(limits.memory_bytes, groups.counts_memory())
        || !by_kernel(limits.processes, groups.counts_processes());
    thread::spawn(move || {
        loop {
            thread::sleep(if must_scan { SCAN_EVERY } else { ASK_EVERY });
            let excess = excess(&groups, limits);
            if !report(excess) || excess.is_some() {
                return;
            }
        }
    });
}

/// What the run has too much of now, or had.
pub fn excess(groups: &TreeGroup, limits: Limits) -> Option<Excess> {
    if let Some(excess) = groups.excess() {
        return Some(excess);
    }
    let (count_memory, count_processes) = (
        limits.memory_bytes > 0 && !groups.counts_memory(),
        limits.processes > 0 && !groups.counts_processes(),
    );
    if !count_memory && !count_processes {
        return None;
    }
    let pids = tree::descendant_numbers();
    if count_processes && pids.len() as u64 > limits.processes {
        return Some(Excess::Processes);
    }
    let is_over =
        |memory_of: fn(i32) -> u64| pids.iter().map(|&pid| memory_of(pid)).sum::<u64>() > limits.memory_bytes;
    // The sum of the resident sizes is cheap and an upper bound. Shares are read only if that is too large.
    (count_memory && is_over(resident) && is_over(share)).then_some(Excess::Memory)
}

/// Resident memory of a process in bytes. 0 when it has exited.
fn resident(pid: i32) -> u64 {
    kibibytes(pid, "status", "VmRSS:").unwrap_or(0)
}

/// Its memory with what it shares divided among the sharers; all of it where that may not be read.
fn share(pid: i32) -> u64 {
    kibibytes(pid, "smaps_rollup", "Pss:").unwrap_or_else(|| resident(pid))
}

fn kibibytes(pid: i32, file: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/{file}")).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(value.trim().trim_end_matches("kB").trim().parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_a_process_is_read_in_both_ways() {
        let this = i32::try_from(std::process::id()).unwrap();
        assert!(resident(this) > 100 * 1024);
        assert!(share(this) > 100 * 1024 && share(this) <= resident(this));
        assert_eq!(resident(i32::MAX), 0);
    }
}
