//! Proxmox VE 8 and 9 by its API: `https://HOST/api2/json/...`, with an API token.
//!
//! `client.rs` is a thin client: one call, one answer. Nothing is retried. `reads.rs` has the typed reads of a node. All other files
//! are the platform, which `platform.rs` begins with.

mod address;
mod answer;
mod api;
mod applier;
mod client;
mod configuration;
mod credentials;
mod describe;
mod error;
mod fabric;
mod failure;
mod guests;
mod machine_config;
mod machines;
mod mark;
mod networks;
mod observe;
mod pending;
mod placement;
mod platform;
mod platform_options;
mod reads;
mod ready;
mod records;
mod snapshots;
mod tasks;
mod together;

pub use client::{Client, Options};
pub use credentials::Credentials;
pub use error::Error;
pub use machine_config::{CdDrive, Hardware, MachineConfig, NetworkCard};
pub use platform::Proxmox;
pub use platform_options::PlatformOptions;
pub use reads::{Node, VolumeKind};
pub use records::{
    FirewallAlias, FirewallRule, Interface, Machine, Member, Snapshot, Storage, Usage, Volume,
};
