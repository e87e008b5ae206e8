//! Options that several handles share. What one handle needs alone is beside it: `CatalogOptions`, `JobOptions`,
//! `PlaybookOptions`, `ProxmoxOptions`, `Keep`.

use std::{path::PathBuf, time::Duration};

use secrecy::SecretString;

/// The directories of this node.
#[derive(Debug, Clone)]
pub struct Directories {
    /// The directory that holds the directories of runs.
    pub runs: PathBuf,
    /// The directory that holds the secrets of runs; on tmpfs.
    pub runtime: PathBuf,
    /// What must survive a restart: snapshots, persistent paths and artifacts are below it.
    pub state: PathBuf,
}

/// What opens encrypted content.
#[derive(Debug, Clone)]
pub struct Vault {
    /// Opens vaults.
    pub password: Option<SecretString>,
    /// Encrypted variables of every run.
    pub file: Option<PathBuf>,
}

/// This node among those that share the store.
#[derive(Debug, Clone)]
pub struct NodeOptions {
    /// Its name; stays the same over restarts.
    pub name: String,
    /// The service before this one ran since the machine was started: what it wrote is as it wrote it.
    pub is_same_boot: bool,
    /// How long a claim holds without a renewal; it is renewed four times as often.
    pub lease: Duration,
    /// How many runs may run at once; at least one.
    pub max_concurrent: usize,
    /// When the service stops, wait so long for runs to end; zero leaves them to their supervisors at once.
    pub drain: Duration,
}
