//! What the engine is told at its start.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use ansible::{Launcher, run_spec};
use content::{Catalog, Inspector, Toolchain, snapshots::Way};
use model::{Inventories, Isolation, ProjectName};
use process::{Limits, Sandbox};
use secrecy::SecretString;

use crate::{Keep, Keyring, Project, ProxmoxOptions};

/// What becomes of runs when the service is told to stop.
#[derive(Debug, Clone, Copy)]
pub struct DrainOptions {
    /// Wait so long for them to end; zero leaves them to their supervisors at once.
    pub at_most: Duration,
}

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

/// Given by value; the engine reads no settings of its own.
#[derive(Debug)]
pub struct Options {
    /// Playbooks, bundles, scenarios and inventories outside of all projects.
    pub catalog: Catalog,
    /// Repositories with content of their own.
    pub projects: BTreeMap<ProjectName, Project>,
    /// Directories outside of the roots that links in them may lead to.
    pub link_targets: Vec<PathBuf>,
    /// Which Ansible, and its environment.
    pub toolchain: Toolchain,
    /// Starts supervisors.
    pub launcher: Launcher,
    /// Looks into content.
    pub inspector: Inspector,
    /// The inventories of a request that names none.
    pub default_inventory: Inventories,
    /// Seals the secrets of jobs.
    pub keys: Keyring,
    /// Opens vaults.
    pub vault_password: Option<SecretString>,
    /// Encrypted variables given to every run.
    pub vault_file: Option<PathBuf>,
    /// The directory that holds the directories of runs.
    pub runs: PathBuf,
    /// The directory that holds the secrets of runs; on tmpfs.
    pub runtime: PathBuf,
    /// What must survive a restart: snapshots, persistent paths and artifacts are below it.
    pub state: PathBuf,
    /// How runs see their content.
    pub way: Way,
    /// Paths of the content that are kept between runs.
    pub persistent: Vec<String>,
    /// How many bytes of artifacts of a job are kept.
    pub artifacts_bytes: u64,
    /// Names that are not copied into a run's private directory.
    pub exclude: Vec<String>,
    /// Where facts are kept for later runs and for how many seconds, if they are; each inventory has a directory below.
    pub facts: Option<run_spec::Facts>,
    /// Up to so many bytes the copy of a run's content is kept in memory.
    pub in_memory_bytes: u64,
    /// What a run may use; a request may shorten or lengthen its total time.
    pub limits: Limits,
    /// How far runs are kept from one another and from their machine.
    pub isolation: IsolationOptions,
    /// How many runs may be at work at once; at least one.
    pub max_concurrent: usize,
    /// How many jobs may wait, of a caller and in all.
    pub queue: store::QueueLimits,
    /// The name of this service among those that share the store; stays the same over restarts.
    pub node: String,
    /// The service before this one ran since the machine was started: what it wrote is as it wrote it.
    pub is_same_boot: bool,
    /// How long a claim holds without a word from this node; it says one four times as often.
    pub lease: Duration,
    /// What is kept of jobs that have ended.
    pub keep: Keep,
    /// What becomes of runs when the service stops.
    pub drain: DrainOptions,
    /// How Proxmox is asked without Ansible.
    pub proxmox: ProxmoxOptions,
}
