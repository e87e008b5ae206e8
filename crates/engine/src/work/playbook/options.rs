//! Options of playbook runs.

use std::path::PathBuf;

use ansible::{Facts, Launcher};
use content::snapshots::Way;
use model::Isolation;
use process::{Limits, Sandbox};

/// Isolation of runs from each other and from the node.
#[derive(Debug)]
pub struct IsolationOptions {
    /// The minimum level of every run; a job can request a higher level.
    pub least: Isolation,
    /// The level that the settings require; a request for a lower level is rejected.
    pub required: Isolation,
    /// Options of sandboxes; `None` if bubblewrap is not available.
    pub sandbox: Option<Sandbox>,
    /// Isolation that applies with and without a sandbox. Its `sandbox` field is ignored.
    pub always: process::Isolation,
}

impl IsolationOptions {
    /// The isolation of every run, and of inspections.
    #[must_use]
    pub fn of_all(&self) -> process::Isolation {
        let sandbox = self.sandbox.clone().filter(|_| self.least == Isolation::Sandbox);
        process::Isolation { sandbox, ..self.always.clone() }
    }
}

/// How playbooks are run.
#[derive(Debug)]
pub struct PlaybookOptions {
    /// Starts supervisors.
    pub launcher: Launcher,
    /// Directories outside of the content roots to which symbolic links may point.
    pub link_targets: Vec<PathBuf>,
    /// How runs access their content.
    pub way: Way,
    /// Paths of the content that are kept between runs.
    pub persistent: Vec<String>,
    /// Maximum size of a job's artifacts, in bytes.
    pub artifacts_bytes: u64,
    /// Names that are not copied into the working directory of a run.
    pub exclude: Vec<String>,
    /// The fact cache, if enabled: its directory, with one subdirectory per inventory, and its timeout in seconds.
    pub facts: Option<Facts>,
    /// Maximum size, in bytes, up to which the copy of a run's content is kept in memory.
    pub in_memory_bytes: u64,
    /// Resource limits of a run; a request can change its total time limit.
    pub limits: Limits,
    /// How far runs are kept from one another and from their machine.
    pub isolation: IsolationOptions,
}
