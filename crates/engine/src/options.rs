//! Options that several handles share. Options of a single handle are defined next to it: `CatalogOptions`,
//! `JobOptions`, `PlaybookOptions`, `ProxmoxOptions`, `Keep`.

use std::{path::PathBuf, time::Duration};

use secrecy::SecretString;

/// The directories of this node.
#[derive(Debug, Clone)]
pub struct Directories {
    /// The directory that holds the directories of runs.
    pub runs: PathBuf,
    /// The directory that holds the secrets of runs, on tmpfs.
    pub runtime: PathBuf,
    /// Persistent state: snapshots, persistent paths, and artifacts are below it.
    pub state: PathBuf,
}

/// Options for decrypting content.
#[derive(Debug, Clone)]
pub struct Vault {
    /// The vault password.
    pub password: Option<SecretString>,
    /// A file with encrypted variables, which every run loads.
    pub file: Option<PathBuf>,
}

/// Options of this node, one of those that share the store.
#[derive(Debug, Clone)]
pub struct NodeOptions {
    /// Its name, which stays the same across restarts.
    pub name: String,
    /// Whether the previous service ran since the machine was booted. If so, no write of it was lost.
    pub is_same_boot: bool,
    /// Lease duration without a renewal. A lease is renewed four times per duration.
    pub lease: Duration,
    /// Maximum number of concurrent runs; at least one.
    pub max_concurrent: usize,
    /// How long the service waits for runs when it stops. With zero, it leaves them to their supervisors at once.
    pub drain: Duration,
}
