//! The options of the platform.

use std::ops::RangeInclusive;

use range::PlatformRules;

use super::{client, credentials::Credentials};

/// The options of Proxmox as a platform.
#[derive(Debug, Clone)]
pub struct PlatformOptions {
    /// Where the API is, and the token.
    pub credentials: Credentials,
    /// How the API is called.
    pub client: client::Options,
    /// What it accepts, as far as settings say.
    pub rules: PlatformRules,
    /// The nodes that ranges use; empty for all of the cluster.
    pub nodes: Vec<String>,
    /// The storage of full clones and of the drives for cloud-init; without it, that of the template.
    pub storage: Option<String>,
    /// The SDN zone of the networks; without it, networks are bridges of the only node.
    pub zone: Option<String>,
    /// Tags of networks in a zone that needs them.
    pub vlans: Option<RangeInclusive<u32>>,
    /// The bridge or virtual network to the outside.
    pub uplink: Option<String>,
    /// Numbers of machines; without it, Proxmox chooses.
    pub vm_ids: Option<RangeInclusive<u32>>,
    /// Machines that are never changed, even with a mark.
    pub protected: Vec<RangeInclusive<u32>>,
    /// Are all disks copied? Otherwise clones share the disk of their template.
    pub full_clones: bool,
    /// Clones that are made at the same time.
    pub clones_at_once: usize,
}
