//! Networks of machines and nodes.

use super::shared::{AS_JSON, NODE, VM_ID, action, fields};
use crate::http::v0::field::{DOTTED, DOTTED_LOWER_FIRST, Field, IPV4, Kind, LETTERS, MAC, NETMASK};
use crate::http::v0::route::{Access, Route, Verb};

/// A required field that can be `null`.
const fn or_null(name: &'static str, kind: Kind, example: &'static str, about: &'static str) -> Field {
    Field::new(name, kind, example, about).nullable()
}

const SLOT: Field = or_null("vm_vmnet_id", Kind::Int(None), "1", "The number of the interface: 1 is `net1`");
const IFACE_NAME: Field =
    or_null("iface_name", Kind::Text(&DOTTED_LOWER_FIRST), r#""vmbr142""#, "The name of the interface");

pub(super) const ROUTES: &[Route] = &[
    action(
        "/v0/admin/proxmox/network/vm/add",
        "network_add_interfaces_vm",
        "network",
        "Adds a network interface to a machine.",
        fields![
            NODE,
            AS_JSON,
            VM_ID,
            or_null("iface_model", Kind::Text(&DOTTED), r#""virtio""#, "The model of the card"),
            or_null("iface_bridge", Kind::Text(&DOTTED), r#""vmbr142""#, "The bridge it is plugged into"),
            SLOT,
            or_null("iface_trunks", Kind::Bool, "null", "Accepted and ignored"),
            or_null("iface_tag", Kind::Int(None), "5", "The VLAN"),
            or_null("iface_rate", Kind::Number, "1.5", "The rate limit, in MB/s"),
            or_null("iface_queues", Kind::Int(None), "2", "Packet queues"),
            or_null("iface_mtu", Kind::Int(None), "1500", "The MTU, in bytes"),
            or_null("iface_macaddr", Kind::Text(&MAC), r#""AA:BB:CC:DD:EE:FF""#, "The MAC address"),
            or_null("iface_link_down", Kind::Bool, "false", "Is it unplugged?"),
            or_null("iface_firewall", Kind::Bool, "true", "Does the firewall guard it?"),
        ],
    )
    .locks(&["vm_id"]),
    action(
        "/v0/admin/proxmox/network/vm/delete",
        "network_delete_interfaces_vm",
        "network",
        "Removes a network interface from a machine.",
        fields![NODE, AS_JSON, VM_ID, SLOT],
    )
    .also(&[(Verb::Delete, "/v0/admin/proxmox/network/vm/delete")])
    .locks(&["vm_id"]),
    action(
        "/v0/admin/proxmox/network/vm/list",
        "network_list_interfaces_vm",
        "network",
        "Lists the network interfaces of a machine.",
        fields![NODE, AS_JSON, VM_ID],
    )
    .by(Access::VIEWER),
    action(
        "/v0/admin/proxmox/network/node/add",
        "network_add_interfaces_node",
        "network",
        "Adds a network interface to a node.",
        fields![
            NODE,
            AS_JSON,
            or_null("bridge_ports", Kind::Text(&DOTTED_LOWER_FIRST), r#""enp2s0""#, "The ports of a bridge")
                .optional(),
            IFACE_NAME,
            or_null("iface_type", Kind::Text(&LETTERS), r#""bridge""#, "The type of the interface"),
            or_null("iface_autostart", Kind::Int(None), "1", "1 brings it up at boot"),
            or_null("ip_address", Kind::Text(&IPV4), r#""192.168.142.1""#, "Its address").optional(),
            or_null("ip_netmask", Kind::Text(&NETMASK), r#""255.255.255.0""#, "Its netmask, or `/24`")
                .optional(),
            or_null("ip_gateway", Kind::Text(&IPV4), r#""192.168.142.254""#, "Its gateway").optional(),
            or_null("ovs_bridge", Kind::Text(&DOTTED_LOWER_FIRST), r#""vmbr1""#, "The Open vSwitch bridge")
                .optional(),
        ],
    )
    .by(Access::ADMIN),
    action(
        "/v0/admin/proxmox/network/node/delete",
        "network_delete_interfaces_node",
        "network",
        "Removes a network interface from a node.",
        fields![NODE, IFACE_NAME, AS_JSON],
    )
    .also(&[(Verb::Delete, "/v0/admin/proxmox/network/node/delete")])
    .by(Access::ADMIN),
    action(
        "/v0/admin/proxmox/network//node/list",
        "network_list_interfaces_node",
        "network",
        "Lists the network interfaces of a node.",
        fields![NODE, AS_JSON],
    )
    .also(&[(Verb::Post, "/v0/admin/proxmox/network/node/list")])
    .by(Access::VIEWER),
];
