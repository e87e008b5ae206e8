//! Firewalls of machines, nodes, and the datacenter.

use super::shared::{AS_JSON, NODE, VM_ID, action, fields};
use crate::http::v0::field::{
    ADDRESSES, ALIAS, ALNUM, API_HOST, COMMENT, FULL_NAME, Field, Kind, PORTS, RULE_ACTION, RULE_TYPE, WORD,
    When,
};
use crate::http::v0::route::{Access, Lookup, Route};

const ALIAS_NAME: Field =
    Field::new("vm_fw_alias_name", Kind::Text(&ALIAS), r#""office""#, "The name of the alias");

/// Only a host from the vault file, the inventory, or the settings, because it receives the API token.
const KNOWN_API_HOST: Field = Field::new(
    "proxmox_api_host",
    Kind::Text(&API_HOST),
    r#""""#,
    "The API host, which must be in the vault, the inventory, or the settings; empty selects the one in the vault",
)
.when(When::NotEmpty);

/// An optional field of a rule.
const fn of_rule(name: &'static str, kind: Kind, example: &'static str, about: &'static str) -> Field {
    Field::new(name, kind, example, about).optional().nullable()
}

pub(super) const ROUTES: &[Route] = &[
    action(
        "/v0/admin/proxmox/firewall/vm/alias/list",
        "firewall_vm_list_iptables_alias",
        "firewall",
        "Lists the aliases of a machine's firewall.",
        fields![NODE, AS_JSON, VM_ID],
    )
    .by(Access::VIEWER),
    action(
        "/v0/admin/proxmox/firewall/vm/alias/add",
        "firewall_vm_add_iptables_alias",
        "firewall",
        "Adds an alias to a machine's firewall.",
        fields![
            NODE,
            AS_JSON,
            VM_ID,
            ALIAS_NAME,
            Field::new(
                "vm_fw_alias_cidr",
                Kind::Text(&ADDRESSES),
                r#""10.0.0.0/8""#,
                "The addresses of the alias"
            ),
            Field::new("vm_fw_alias_comment", Kind::Text(&COMMENT), r#""our office""#, "A comment")
                .nullable(),
        ],
    )
    .locks(&["vm_id"]),
    action(
        "/v0/admin/proxmox/firewall/vm/alias/delete",
        "firewall_vm_delete_iptables_alias",
        "firewall",
        "Deletes an alias of a machine's firewall.",
        fields![NODE, AS_JSON, VM_ID, ALIAS_NAME],
    )
    .delete()
    .locks(&["vm_id"]),
    action(
        "/v0/admin/proxmox/firewall/vm/rules/list",
        "firewall_vm_list_iptables_rule",
        "firewall",
        "Lists the rules of a machine's firewall.",
        fields![NODE, AS_JSON, VM_ID],
    )
    .by(Access::VIEWER),
    action(
        "/v0/admin/proxmox/firewall/vm/rules/apply",
        "firewall_vm_apply_iptables_rule",
        "firewall",
        "Adds a rule to a machine's firewall.",
        fields![
            Field::new("proxmox_node", Kind::Text(&FULL_NAME), r#""pve01""#, "The Proxmox node"),
            AS_JSON,
            VM_ID,
            Field::new("vm_fw_action", Kind::Text(&RULE_ACTION), r#""ACCEPT""#, "The action of the rule"),
            Field::new("vm_fw_dport", Kind::Text(&PORTS), r#""22""#, "Destination ports"),
            Field::new("vm_fw_enable", Kind::Int(None), "1", "1 puts the rule in force, 0 does not"),
            Field::new("vm_fw_proto", Kind::Text(&ALNUM), r#""tcp""#, "The protocol"),
            Field::new("vm_fw_type", Kind::Text(&RULE_TYPE), r#""in""#, "The direction"),
            of_rule("vm_fw_log", Kind::Text(&WORD), r#""info""#, "The log level"),
            of_rule("vm_fw_iface", Kind::Text(&WORD), r#""net0""#, "The network interface"),
            of_rule("vm_fw_source", Kind::Text(&ADDRESSES), r#""10.0.0.0/8""#, "Source addresses"),
            of_rule("vm_fw_dest", Kind::Text(&ADDRESSES), r#""10.1.0.0/16""#, "Destination addresses"),
            of_rule("vm_fw_sport", Kind::Text(&PORTS), r#""1024:65535""#, "Source ports"),
            of_rule("vm_fw_comment", Kind::Text(&COMMENT), r#""ssh from the office""#, "A comment"),
            of_rule("vm_fw_pos", Kind::Int(None), "0", "The position among the rules, from 0"),
        ],
    )
    .locks(&["vm_id"]),
    action(
        "/v0/admin/proxmox/firewall/vm/rules/delete",
        "firewall_vm_delete_iptables_rule",
        "firewall",
        "Deletes a rule of a machine's firewall.",
        fields![
            NODE,
            AS_JSON,
            VM_ID,
            Field::new("vm_fw_pos", Kind::Int(None), "0", "The position among the rules, from 0")
        ],
    )
    .delete()
    .locks(&["vm_id"]),
    action(
        "/v0/admin/proxmox/firewall/vm/enable",
        "firewall_vm_enable",
        "firewall",
        "Switches a machine's firewall on.",
        fields![NODE, AS_JSON, VM_ID],
    )
    .lookup(Lookup::Name)
    .locks(&["vm_id"]),
    action(
        "/v0/admin/proxmox/firewall/vm/disable",
        "firewall_vm_disable",
        "firewall",
        "Switches a machine's firewall off.",
        fields![NODE, AS_JSON, VM_ID],
    )
    .lookup(Lookup::Name)
    .locks(&["vm_id"]),
    action(
        "/v0/admin/proxmox/firewall/node/enable",
        "firewall_node_enable",
        "firewall",
        "Switches a node's firewall on.",
        fields![NODE, AS_JSON],
    )
    .by(Access::ADMIN),
    action(
        "/v0/admin/proxmox/firewall/node/disable",
        "firewall_node_disable",
        "firewall",
        "Switches a node's firewall off.",
        fields![NODE, AS_JSON],
    )
    .by(Access::ADMIN),
    action(
        "/v0/admin/proxmox/firewall/datacenter/enable",
        "firewall_dc_enable",
        "firewall",
        "Switches the firewall of the datacenter on.",
        fields![KNOWN_API_HOST, AS_JSON],
    )
    .by(Access::ADMIN),
    action(
        "/v0/admin/proxmox/firewall/datacenter/disable",
        "firewall_dc_disable",
        "firewall",
        "Switches the firewall of the datacenter off.",
        fields![NODE.no_variable(), AS_JSON, KNOWN_API_HOST],
    )
    .by(Access::ADMIN),
];
