//! How the local platform works: where it keeps what, and what its machines are made of.

use std::{collections::BTreeMap, path::PathBuf};

use ipnet::Ipv4Net;
use range::PlatformRules;
use serde::{Deserialize, Serialize};

/// The network that leads outside.
pub(super) const UPLINK: &str = "uplink";

/// How the local platform works.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// The directory for pins of namespaces and records of what runs, on a file system that is empty after a start of the machine.
    pub run: PathBuf,
    /// The directory for the files of guests.
    pub state: PathBuf,
    /// What it accepts. Kinds of machines and templates follow from the other options.
    #[serde(default)]
    pub rules: PlatformRules,
    /// Root directories or root archives that guests are made from, by name, beside those in [`Self::templates_dir`].
    #[serde(default)]
    pub templates: BTreeMap<String, PathBuf>,
    /// The command of this program that `ssh` connects with; `connect`, the directory, the range, the machine and the port follow.
    #[serde(default)]
    pub program: Vec<String>,
    /// Files and directories of this machine that machines of ranges do not see.
    #[serde(default)]
    pub hidden: Vec<PathBuf>,
    /// Addresses for the way to the outside, with NAT; without it ranges have none. Each range gets a `/24` of it.
    #[serde(default)]
    pub uplink: Option<Ipv4Net>,
    /// Are routes and rules of routers set by a playbook, as on platforms that can't set them?
    #[serde(default)]
    pub rules_by_playbook: bool,
}

impl Options {
    /// Options with these directories, and nothing else set.
    #[must_use]
    pub fn new(run: PathBuf, state: PathBuf) -> Self {
        Self {
            run,
            state,
            rules: PlatformRules { name: "local".to_owned(), ..PlatformRules::default() },
            templates: BTreeMap::new(),
            program: Vec::new(),
            hidden: Vec::new(),
            uplink: None,
            rules_by_playbook: false,
        }
    }

    /// The directory whose directories and archives are templates, by name.
    #[must_use]
    pub fn templates_dir(&self) -> PathBuf {
        self.state.join("templates")
    }

    /// Where archives of templates are unpacked.
    pub(super) fn unpacked_dir(&self) -> PathBuf {
        self.state.join("unpacked")
    }

    /// Where the files of guests are.
    pub(super) fn guests_dir(&self) -> PathBuf {
        self.state.join("guests")
    }
}
