//! What a core dump of a process would contain: its memory, read in place once it no longer changes.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
};

use testkit::TestApp;

/// The longest part of a mapping that is read at once, in bytes.
const PART: usize = 1 << 24;
/// The overlap of parts: a secret can be at the border of two.
const OVERLAP: usize = 4096;

/// Has the service a connection that it has not closed?
pub(super) fn has_connections(app: &TestApp) -> bool {
    let port = app.address().rsplit(':').next().and_then(|port| port.parse::<u16>().ok()).expect("a port");
    let local = format!(":{port:04X}");
    let table = std::fs::read_to_string("/proc/net/tcp").expect("readable");
    table.lines().skip(1).any(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        // Established, or closed by the other side alone (include/net/tcp_states.h).
        words[1].ends_with(&local) && matches!(words[3], "01" | "08")
    })
}

/// Does every thread of a process wait for something?
pub(super) fn is_at_rest(pid: i32) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).expect("it runs").flatten();
    let states = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("stat")).ok());
    // After the name, which is in brackets and may hold anything.
    states.filter_map(|stat| stat.rsplit(") ").next().map(|rest| rest.starts_with('S'))).all(|waits| waits)
}

/// Reads every readable and writable part of a process's memory, with the name of its mapping.
pub(super) fn each_part(pid: i32, mut take: impl FnMut(&str, &[u8])) {
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).expect("it runs");
    let mut memory = File::open(format!("/proc/{pid}/mem")).expect("a child's memory is readable");
    for line in maps.lines() {
        let mut words = line.split_whitespace();
        let (Some(range), Some(rights)) = (words.next(), words.next()) else { continue };
        let name = words.nth(3).unwrap_or("anonymous");
        if !rights.starts_with("rw") {
            continue;
        }
        let edge = |text: &str| u64::from_str_radix(text, 16).expect("an address");
        let (start, end) =
            range.split_once('-').map(|(start, end)| (edge(start), edge(end))).expect("a range");
        let mut at = start;
        while at < end {
            let length = usize::try_from(end - at).unwrap_or(PART).min(PART);
            let mut bytes = vec![0; length];
            let read = memory.seek(SeekFrom::Start(at)).and_then(|_| memory.read_exact(&mut bytes));
            if read.is_ok() {
                take(name, &bytes);
            }
            at += if length == PART { (PART - OVERLAP) as u64 } else { length as u64 };
        }
    }
}
