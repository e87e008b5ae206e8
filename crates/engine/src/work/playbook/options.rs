//! How playbooks are run.

use std::path::PathBuf;

use ansible::{Facts, Launcher};
use content::snapshots::Way;
use model::Isolation;
use process::{Limits, Sandbox};

/// How far runs are kept from one another and from their machine.
#[derive(Debug)]
pub struct IsolationOptions {
    /// Of every run; a job may ask for more.
    pub least: Isolation,
    /// What a setting demands: a request for less is refused.
    pub required: Isolation,
    /// How sandboxes are made; `None` when there is no bubblewrap.
    pub sandbox: Option<Sandbox>,
    /// What holds with and without a sandbox; the sandbox in it is not used.
    pub always: process::Isolation,
}

impl IsolationOptions {
    /// What holds for every run, and for inspections.
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
    /// Directories outside of the roots that links in them may lead to.
    pub link_targets: Vec<PathBuf>,
    /// How runs see their content.
    pub way: Way,
    /// Paths of the content that are kept between runs.
    pub persistent: Vec<String>,
    /// How many bytes of artifacts of a job are kept.
    pub artifacts_bytes: u64,
    /// Names that are not copied into a run's private directory.
    pub exclude: Vec<String>,
    /// Where facts are kept for later runs and for how many seconds, if they are; each inventory has a directory below.
    pub facts: Option<Facts>,
    /// Up to so many bytes the copy of a run's content is kept in memory.
    pub in_memory_bytes: u64,
    /// What a run may use; a request may shorten or lengthen its total time.
    pub limits: Limits,
    /// How far runs are kept from one another and from their machine.
    pub isolation: IsolationOptions,
}
