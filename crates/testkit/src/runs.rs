//! Runs on the disk of a node.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::files::entries;

/// The directories of runs below the home of a service or worker.
#[must_use]
pub fn runs_in(home: &Path) -> Vec<PathBuf> {
    entries(&home.join("var/runs"))
}

/// After a failed test: runs would continue without their service.
pub(crate) fn end_runs_in(home: &Path) {
    for run in runs_in(home) {
        let identity = fs::read(run.join("supervisor.json")).unwrap_or_default();
        let identity: Value = serde_json::from_slice(&identity).unwrap_or_default();
        let pid = identity["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok());
        if let Some(pid) = pid.and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::TERM);
        }
    }
}
