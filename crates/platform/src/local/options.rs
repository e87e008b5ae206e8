//! How the local platform works: where it keeps what, and what its machines are made of.

use std::{collections::BTreeMap, path::PathBuf};

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

/// The network that leads outside.
pub(super) const UPLINK: &str = "uplink";

/// How the local platform works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// The directory for pins of namespaces and records of what runs, on a file system that is empty after a start of the machine.
    pub run: PathBuf,
    /// The directory for the files of guests.
    pub state: PathBuf,
    /// Root directories or root archives that guests are made from, by name.
    #[serde(default)]
    pub templates: BTreeMap<String, PathBuf>,
    /// The command of this program that `ssh` connects with; `connect`, the directory, the range, the machine and the port follow.
    #[serde(default)]
    pub program: Vec<String>,
    /// Directories of this machine that machines of ranges do not see.
    #[serde(default)]
    pub hidden: Vec<PathBuf>,
    /// Addresses for the way to the outside, with NAT; without it ranges have none. Each range gets a `/24` of it.
    #[serde(default)]
    pub uplink: Option<Ipv4Net>,
}
