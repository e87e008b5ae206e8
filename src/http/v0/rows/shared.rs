//! Fields and defaults that rows of several groups share.

use crate::http::v0::{
    field::{Field, Kind, NAME, When},
    route::{Access, Lookup, Plan, Reply, Route, Verb},
};

/// Creates the fields of a row at compile time.
macro_rules! fields {
    ($($field:expr),* $(,)?) => {
        const { &[$($field),*] }
    };
}
pub(super) use fields;

/// The node. An empty value is passed to Ansible, too, and overrides that of the inventory.
pub(super) const NODE: Field =
    Field::new("proxmox_node", Kind::Text(&NAME), r#""pve01""#, "The Proxmox node");
/// The node. An empty value is not passed to Ansible.
pub(super) const NODE_IF_ANY: Field = Field::new(
    "proxmox_node",
    Kind::Text(&NAME),
    r#""pve01""#,
    "The Proxmox node; empty selects the one in the vault or the inventory",
)
.when(When::NotEmpty);
/// Selects the format of the response.
pub(super) const AS_JSON: Field =
    Field::new("as_json", Kind::Bool, "true", "`true` answers with `result`, `false` with `log_multiline`")
        .or_bool(true)
        .no_variable();
/// The machine.
pub(super) const VM_ID: Field = Field::new("vm_id", Kind::VmId, r#""1000""#, "The number of the machine");

/// A row for an action of the role; other fields can be overridden with `..`.
pub(super) const fn action(
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
    pub(super) const fn delete(mut self) -> Self {
        self.method = Verb::Delete;
        self
    }

    pub(super) const fn also(mut self, also: &'static [(Verb, &'static str)]) -> Self {
        self.also = also;
        self
    }

    pub(super) const fn by(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    pub(super) const fn locks(mut self, fields: &'static [&'static str]) -> Self {
        self.locks = fields;
        self
    }

    pub(super) const fn lookup(mut self, wanted: Lookup) -> Self {
        if let Plan::Action { lookup, .. } = &mut self.plan {
            *lookup = wanted;
        }
        self
    }
}
