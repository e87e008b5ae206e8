//! `[proxmox]`: how Proxmox is asked without Ansible.

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use super::{kind::Rule, paths::Base, seconds};

/// `[proxmox]`: how Proxmox is asked without Ansible. Where it is and the token for it stand in the inventory.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proxmox {
    /// Whether certificates are checked, those of this machine's own addresses excepted.
    pub verify_tls: bool,
    /// Certificate authorities beside those of the system.
    pub ca_file: Option<PathBuf>,
    /// API hosts that requests may name beside those of the inventory.
    pub api_hosts: Vec<String>,
    /// How long a call may take.
    #[serde(rename = "timeout_s", with = "seconds")]
    pub timeout: Duration,
    /// The interval between two polls of a node's machines.
    #[serde(rename = "poll_interval_s", with = "seconds")]
    pub poll_interval: Duration,
    /// When reads of v0 ask Proxmox itself.
    pub direct_reads: DirectReads,
}

/// When reads of v0 ask Proxmox itself, without Ansible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DirectReads {
    /// If the playbook and the role are the bundled ones.
    Auto,
    /// Whenever that is possible.
    Always,
    /// Never.
    Never,
}

impl DirectReads {
    pub(super) const WORDS: &[&str] = &["auto", "always", "never"];
}

impl Proxmox {
    /// The same for the engine.
    #[must_use]
    pub fn options(&self) -> engine::ProxmoxOptions {
        engine::ProxmoxOptions {
            client: platform::proxmox::Options {
                verify_tls: self.verify_tls,
                ca_file: self.ca_file.clone(),
                timeout: self.timeout,
            },
            api_hosts: self.api_hosts.clone(),
            poll_interval: self.poll_interval,
            direct_reads: match self.direct_reads {
                DirectReads::Auto => engine::DirectReads::Auto,
                DirectReads::Always => engine::DirectReads::Always,
                DirectReads::Never => engine::DirectReads::Never,
            },
        }
    }

    pub(super) fn resolve(&mut self, base: &Base) {
        base.resolve_option(&mut self.ca_file);
    }
}

pub(super) const API_HOST_RULE: Rule = Rule {
    allowed: "names or addresses of hosts, with or without `:port`",
    accepts: |text| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-._:[]".contains(c))
    },
};
