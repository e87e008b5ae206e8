//! The peak memory of processes.

use std::{fs, path::Path};

use testkit::TestApp;

/// Peaks in MiB; 0 for a process that was not seen.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Peaks {
    pub(crate) service: u64,
    pub(crate) supervisor: u64,
}

impl Peaks {
    /// Measures again. Keeps the peak of a supervisor that has ended since.
    pub(crate) fn look(&mut self, app: &TestApp) {
        self.service = peak(app.pid()).unwrap_or(self.service);
        for run in app.run_directories() {
            self.supervisor = supervisor(&run).and_then(peak).unwrap_or(self.supervisor);
        }
    }

    /// Fails when they grew by more than half and 64 MiB since `early`.
    pub(crate) fn assert_flat_since(self, early: Self) {
        for (late, early) in [(self.service, early.service), (self.supervisor, early.supervisor)] {
            assert!(late <= early + early / 2 + 64, "memory grew from {early} to {late} MiB");
        }
    }
}

/// The supervisor of a run, if it is alive: the start time of the process must match the recorded one.
pub(crate) fn supervisor(run: &Path) -> Option<i32> {
    let text = fs::read_to_string(run.join("supervisor.json")).ok()?;
    let identity: serde_json::Value = serde_json::from_str(&text).ok()?;
    let pid = i32::try_from(identity["pid"].as_i64()?).ok()?;
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // Field 22; the name before may hold spaces.
    let started: u64 = stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(19)?.parse().ok()?;
    (identity["start_time"].as_u64() == Some(started)).then_some(pid)
}

fn peak(pid: i32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kib| kib / 1024)
}
