//! The settings of one platform.

use std::{net::IpAddr, path::PathBuf};

use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Serialize};

use crate::settings::paths::Base;

/// `[platforms.NAME]`: a platform. 0 sets no limit.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Platform {
    /// What it is.
    pub kind: Option<PlatformKind>,
    /// Whether ranges can use it.
    pub enabled: bool,
    /// Maximum number of concurrent calls.
    pub max_concurrent_calls: usize,
    /// Where subnets without a fixed address come from; empty takes the usual ones.
    pub pool: Vec<IpNet>,
    /// Maximum number of instances of a range.
    pub instances_max: u64,
    /// Maximum number of machines of a range.
    pub machines_max: u64,
    /// Maximum number of networks and links of a range.
    pub networks_max: u64,
    /// Maximum number of CPU cores of a range.
    pub cores_max: u64,
    /// Maximum memory of the machines of a range in bytes.
    pub memory_max_bytes: u64,
    /// Maximum disk space of the machines of a range in bytes.
    pub disk_max_bytes: u64,
    /// Where packets to the outside are sent by verifications.
    pub verify_address: Option<IpAddr>,
    /// What it costs per hour, as `name=value`.
    pub prices: Vec<String>,
    /// Simulated: the file that keeps its state.
    pub state_file: Option<PathBuf>,
    /// Simulated: how long calls and tasks take, as `name=milliseconds`.
    pub latencies: Vec<String>,
    /// What goes wrong on purpose, as JSON.
    pub faults: Option<String>,
    /// Simulated: what happens to tasks on its machines.
    pub tasks: TasksWithoutMachine,
    /// Local: the directory for namespaces and processes.
    pub run_dir: Option<PathBuf>,
    /// Local: the directory for templates and files of guests.
    pub state_dir: Option<PathBuf>,
    /// Local: templates, as `name=path`.
    pub templates: Vec<String>,
    /// Local: addresses for the way to the outside.
    pub uplink: Option<Ipv4Net>,
    /// Local: whether a playbook sets routes and rules of routers.
    pub rules_by_playbook: bool,
    /// Local: files and directories that machines don't see.
    pub hidden: Vec<PathBuf>,
}

impl Default for Platform {
    fn default() -> Self {
        Self {
            kind: None,
            enabled: true,
            max_concurrent_calls: 8,
            pool: Vec::new(),
            instances_max: 0,
            machines_max: 0,
            networks_max: 0,
            cores_max: 0,
            memory_max_bytes: 0,
            disk_max_bytes: 0,
            verify_address: None,
            prices: Vec::new(),
            state_file: None,
            latencies: Vec::new(),
            faults: None,
            tasks: TasksWithoutMachine::Skip,
            run_dir: None,
            state_dir: None,
            templates: Vec::new(),
            uplink: None,
            rules_by_playbook: false,
            hidden: Vec::new(),
        }
    }
}

/// What a platform is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlatformKind {
    /// Nothing is created: for dry runs, demonstrations, and tests.
    Simulated,
    /// This machine.
    Local,
}

/// What happens to tasks on machines that don't exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TasksWithoutMachine {
    /// They are skipped.
    Skip,
    /// They are run on this machine.
    Local,
}

impl PlatformKind {
    pub(super) const WORDS: &[&str] = &["simulated", "local"];

    /// The word in settings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Simulated => "simulated",
            Self::Local => "local",
        }
    }
}

impl TasksWithoutMachine {
    pub(super) const WORDS: &[&str] = &["skip", "local"];
}

impl Platform {
    /// Paths become absolute.
    pub(in crate::settings) fn resolve(&mut self, base: &Base) {
        for path in [&mut self.state_file, &mut self.run_dir, &mut self.state_dir] {
            base.resolve_option(path);
        }
        self.hidden.iter_mut().for_each(|path| base.resolve(path));
        for template in &mut self.templates {
            if let Some((name, path)) = template.split_once('=') {
                *template = format!("{name}={}", base.absolute(path.as_ref()).display());
            }
        }
    }
}
