//! `[runs]`: limits of runs.

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use super::{IsolationLevel, isolation::SshKeys, paths::Base, seconds};

/// What a run with a handful of hosts takes, with room to spare: ansible-runner, ansible-playbook and its workers
/// were measured at 100 MB.
const MEMORY_PER_RUN: u64 = 256 << 20;

/// How runs may see their content.
pub(super) const CONTENT: &[&str] = &["auto", "overlay", "copy"];

/// `[runs]`: limits of runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Runs {
    /// Maximum number of concurrent runs, at least one.
    pub max_concurrent: usize,
    /// Maximum duration of a run, unless its request sets another.
    #[serde(rename = "timeout_s", with = "seconds")]
    pub timeout: Duration,
    /// Maximum time without output, if it is limited.
    #[serde(rename = "idle_timeout_s", with = "seconds::limit")]
    pub idle_timeout: Option<Duration>,
    /// How long an inspection of content may take.
    #[serde(rename = "inspection_timeout_s", with = "seconds")]
    pub inspection_timeout: Duration,
    /// How long the processes of a run are given between SIGTERM and SIGKILL.
    #[serde(rename = "kill_grace_s", with = "seconds")]
    pub kill_grace: Duration,
    /// How long the service waits for active runs when it stops; with zero, they continue under their supervisors.
    #[serde(rename = "drain_s", with = "seconds")]
    pub drain: Duration,
    /// Duration of a job lease.
    #[serde(rename = "lease_s", with = "seconds")]
    pub lease: Duration,
    /// Maximum size in bytes of an event that is stored completely.
    pub event_max_bytes: usize,
    /// Maximum output of a run in bytes; 0 sets no limit.
    pub output_max_bytes: u64,
    /// How runs see their content.
    pub content: content::snapshots::Choice,
    /// How many bytes of the files that a job leaves in its content are kept; 0 keeps none.
    pub artifacts_max_bytes: u64,
    /// Up to so many bytes of content what a run writes there is kept in memory; 0 keeps all on the disk.
    pub in_memory_max_bytes: u64,
    /// Names that runs do not see in their content.
    pub exclude: Vec<String>,
    /// Whether requests may set `ansible_*` variables.
    pub allow_connection_vars: bool,
    /// Variables that requests may not set.
    pub protected_vars: BTreeSet<String>,
    /// How far runs are kept apart.
    pub isolation: IsolationLevel,
    /// Whether runs in a sandbox reach the network.
    pub sandbox_network: bool,
    /// Whether runs in a sandbox see SSH keys.
    pub sandbox_ssh_keys: SshKeys,
    /// What runs in a sandbox may read besides.
    pub sandbox_readable: Vec<PathBuf>,
    /// What runs in a sandbox may write besides.
    pub sandbox_writable: Vec<PathBuf>,
    /// Whether the home of a run is its own.
    pub private_home: bool,
    /// Whether programs with the rights of their owner are kept from getting them.
    pub no_new_privileges: bool,
    /// How many bytes of memory a run may use; 0 sets no limit.
    pub memory_max_bytes: u64,
    /// How many processes and threads a run may have at a time; 0 sets no limit.
    pub processes_max: u64,
    /// How many files each process of a run may have open; 0 sets no limit.
    pub open_files_max: u64,
    /// The largest file in bytes that each process of a run may write; 0 sets no limit.
    pub file_max_bytes: u64,
}

impl Runs {
    /// Paths become absolute.
    pub(super) fn resolve_paths(&mut self, base: &Base) {
        let paths = self.sandbox_readable.iter_mut().chain(&mut self.sandbox_writable);
        paths.for_each(|path| base.resolve(path));
    }

    /// One run per core, but no more than there is memory for.
    pub(super) fn resolve(&mut self, cores: usize, memory: Option<u64>) {
        if self.max_concurrent == 0 {
            let fitting = memory.map_or(u64::MAX, |bytes| bytes / MEMORY_PER_RUN);
            self.max_concurrent = cores.min(usize::try_from(fitting).unwrap_or(usize::MAX)).max(1);
        }
    }
}
