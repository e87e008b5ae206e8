//! How Proxmox is called.

use std::time::Duration;

/// How the engine calls Proxmox.
#[derive(Debug, Clone)]
pub struct ProxmoxOptions {
    /// The client.
    pub client: platform::proxmox::Options,
    /// API hosts that a request may name beside those of the inventory.
    pub api_hosts: Vec<String>,
    /// How long after one look at a node's machines the next one comes.
    pub poll_interval: Duration,
    /// When reads ask Proxmox itself.
    pub direct_reads: DirectReads,
}

/// When reads ask Proxmox itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DirectReads {
    /// When playbook and role are ours, so that the answer is the same.
    Auto,
    /// Whenever the inventory tells how Proxmox is reached.
    Always,
    /// Never: Ansible is asked.
    Never,
}
