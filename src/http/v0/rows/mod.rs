//! The rows, one file per group, and their common fields.

mod bundles_proxmox;
mod bundles_ubuntu;
mod config;
mod debug;
mod firewall;
mod lxc;
mod mass;
mod network;
mod shared;
mod snapshot;
mod storage;
mod vms;

use super::route::Route;

/// Every route of v0, group by group.
pub(in crate::http) fn all() -> impl Iterator<Item = &'static Route> {
    [
        debug::ROUTES,
        bundles_ubuntu::ROUTES,
        bundles_proxmox::ROUTES,
        vms::ROUTES,
        mass::ROUTES,
        config::ROUTES,
        snapshot::ROUTES,
        storage::ROUTES,
        firewall::ROUTES,
        network::ROUTES,
        lxc::ROUTES,
    ]
    .into_iter()
    .flatten()
}

#[cfg(test)]
mod tests;
