//! Proxmox VE 8 and 9 by its API: `https://HOST/api2/json/...`, with an API token.
//!
//! A thin client: one call, one answer. Nothing is retried. `reads.rs` has the typed reads of a node.

mod address;
mod answer;
mod client;
mod credentials;
mod error;
mod machine_config;
mod reads;
mod records;

pub use client::{Client, Options};
pub use credentials::Credentials;
pub use error::Error;
pub use machine_config::{CdDrive, Hardware, MachineConfig, NetworkCard};
pub use reads::{Node, VolumeKind};
pub use records::{
    FirewallAlias, FirewallRule, Interface, Machine, Member, Snapshot, Storage, Usage, Volume,
};
