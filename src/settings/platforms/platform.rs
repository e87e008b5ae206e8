//! The settings of one platform.

use std::{net::IpAddr, path::PathBuf};

use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Serialize};

use crate::settings::{paths::Base, secret::Secret};

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
    /// Simulated and Proxmox: what happens to tasks on its machines.
    pub tasks: Option<TasksWithoutMachine>,
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
    /// Proxmox: the API, as `host` or `host:port`.
    pub api_host: Option<String>,
    /// Proxmox: the ID of the API token.
    pub token_id: Option<String>,
    /// Proxmox: the secret of the API token.
    #[serde(skip_deserializing)] // It is not in the layers, which hold plain texts.
    pub token_secret: Option<Secret>,
    /// Proxmox: the nodes that ranges use; empty for all.
    pub nodes: Vec<String>,
    /// Proxmox: the storage of full clones and drives for cloud-init.
    pub storage: Option<String>,
    /// Proxmox: the SDN zone of networks.
    pub zone: Option<String>,
    /// Proxmox: the VLANs of networks.
    pub vlans: Option<String>,
    /// Proxmox: the bridge to the outside.
    pub uplink_bridge: Option<String>,
    /// Proxmox: numbers of new machines.
    pub vm_ids: Option<String>,
    /// Proxmox: numbers of machines that are never changed.
    pub protected_vm_ids: Vec<String>,
    /// Proxmox: whether clones have disks of their own.
    pub full_clones: bool,
    /// Proxmox: maximum number of concurrent clones.
    pub max_concurrent_clones: usize,
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
            tasks: None,
            run_dir: None,
            state_dir: None,
            templates: Vec::new(),
            uplink: None,
            rules_by_playbook: false,
            hidden: Vec::new(),
            api_host: None,
            token_id: None,
            token_secret: None,
            nodes: Vec::new(),
            storage: None,
            zone: None,
            vlans: None,
            uplink_bridge: None,
            vm_ids: None,
            protected_vm_ids: Vec::new(),
            full_clones: false,
            max_concurrent_clones: 4,
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
    /// A cluster of Proxmox VE.
    Proxmox,
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
    pub(super) const WORDS: &[&str] = &["simulated", "local", "proxmox"];

    /// The word in settings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Simulated => "simulated",
            Self::Local => "local",
            Self::Proxmox => "proxmox",
        }
    }
}

impl TasksWithoutMachine {
    pub(super) const WORDS: &[&str] = &["skip", "local"];
}

impl Platform {
    /// A key that a platform of kind `proxmox` requires and that is not set.
    pub(super) fn missing_of_proxmox(&self) -> Option<&'static str> {
        let needed = [
            ("api_host", self.api_host.is_none()),
            ("token_id", self.token_id.is_none()),
            ("token_secret", self.token_secret.is_none()),
        ];
        needed.into_iter().find(|(_, is_missing)| *is_missing).map(|(key, _)| key)
    }

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
