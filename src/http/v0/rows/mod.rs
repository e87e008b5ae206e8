//! The rows, one file per group, and their common fields.

/// Creates the fields of a row at compile time.
macro_rules! fields {
    ($($field:expr),* $(,)?) => {
        const { &[$($field),*] }
    };
}

mod bundles_proxmox;
mod bundles_ubuntu;
mod config;
mod debug;
mod firewall;
mod lxc;
mod mass;
mod network;
mod snapshot;
mod storage;
mod vms;

use super::{
    field::{Field, Kind, NAME, When},
    route::{Access, Lookup, Plan, Reply, Route, Verb},
};

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

/// The node. An empty value is passed to Ansible, too, and overrides that of the inventory.
const NODE: Field = Field::new("proxmox_node", Kind::Text(&NAME), r#""pve01""#, "The Proxmox node");
/// The node. An empty value is not passed to Ansible.
const NODE_IF_ANY: Field = Field::new(
    "proxmox_node",
    Kind::Text(&NAME),
    r#""pve01""#,
    "The Proxmox node; empty selects the one in the vault or the inventory",
)
.when(When::NotEmpty);
/// Selects the format of the response.
const AS_JSON: Field =
    Field::new("as_json", Kind::Bool, "true", "`true` answers with `result`, `false` with `log_multiline`")
        .or_bool(true)
        .no_variable();
/// The machine.
const VM_ID: Field = Field::new("vm_id", Kind::VmId, r#""1000""#, "The number of the machine");

/// A row for an action of the role; other fields can be overridden with `..`.
const fn action(
    path: &'static str,
    name: &'static str,
    tag: &'static str,
    summary: &'static str,
    fields: &'static [Field],
) -> Route {
    Route {
        method: Verb::Post,
        path,
        also: &[],
        operation: name,
        summary,
        tag,
        access: Access::OPERATOR,
        fields,
        plan: Plan::Action { action: name, lookup: Lookup::No },
        reply: Reply::Results(name),
        locks: &[],
    }
}

impl Route {
    const fn delete(mut self) -> Self {
        self.method = Verb::Delete;
        self
    }

    const fn also(mut self, also: &'static [(Verb, &'static str)]) -> Self {
        self.also = also;
        self
    }

    const fn by(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    const fn locks(mut self, fields: &'static [&'static str]) -> Self {
        self.locks = fields;
        self
    }

    const fn lookup(mut self, wanted: Lookup) -> Self {
        if let Plan::Action { lookup, .. } = &mut self.plan {
            *lookup = wanted;
        }
        self
    }
}

#[cfg(test)]
mod tests;
