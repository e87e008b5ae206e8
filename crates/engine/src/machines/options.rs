//! Options for direct Proxmox access.

use std::time::Duration;

/// How the engine accesses Proxmox.
#[derive(Debug, Clone)]
pub struct ProxmoxOptions {
    /// Options of the client.
    pub client: platform::proxmox::Options,
    /// API hosts that a request can name in addition to those of the inventory.
    pub api_hosts: Vec<String>,
    /// The time between two polls of a node.
    pub poll_interval: Duration,
    /// When reads query Proxmox directly.
    pub direct_reads: DirectReads,
}

/// When reads query Proxmox directly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DirectReads {
    /// If the playbook and the role are the bundled ones, so that the result is the same.
    Auto,
    /// Whenever the inventory contains usable credentials.
    Always,
    /// Never: Ansible runs for every read.
    Never,
}
