//! Snapshots of a machine.

use super::shared::{AS_JSON, NODE, NODE_IF_ANY, VM_ID, action, fields};
use crate::http::v0::field::{Field, Kind, NAME as NODE_NAME, WORD};
use crate::http::v0::route::{Access, Lookup, Route};

const NAME: Field =
    Field::new("vm_snapshot_name", Kind::Text(&WORD), r#""before_exercise""#, "The name of the snapshot");

/// The node is required for deleting or reverting to a snapshot: the reference service fails without it.
const NAMED_NODE: Field =
    Field::new("proxmox_node", Kind::FullText(&NODE_NAME), r#""pve01""#, "The Proxmox node");

pub(super) const ROUTES: &[Route] = &[
    action(
        "/v0/admin/proxmox/vms/vm_id/snapshot/list",
        "snapshot_vm_list",
        "snapshot",
        "Lists the snapshots of a machine.",
        fields![NODE_IF_ANY, AS_JSON, VM_ID],
    )
    .by(Access::VIEWER),
    action(
        "/v0/admin/proxmox/vms/vm_id/snapshot/create",
        "snapshot_vm_create",
        "snapshot",
        "Takes a snapshot of a machine.",
        fields![
            NODE,
            AS_JSON,
            VM_ID,
            NAME,
            Field::new(
                "vm_snapshot_description",
                Kind::Text(&WORD),
                r#""clean_state""#,
                "The purpose of the snapshot"
            )
            .optional()
            .nullable(),
        ],
    )
    .lookup(Lookup::Name)
    .locks(&["vm_id"]),
    action(
        "/v0/admin/proxmox/vms/vm_id/snapshot/delete",
        "snapshot_vm_delete",
        "snapshot",
        "Deletes a snapshot of a machine.",
        fields![NAMED_NODE, AS_JSON, VM_ID, NAME.optional().nullable()],
    )
    .delete()
    .lookup(Lookup::Name)
    .locks(&["vm_id"]),
    action(
        "/v0/admin/proxmox/vms/vm_id/snapshot/revert",
        "snapshot_vm_revert",
        "snapshot",
        "Reverts a machine to a snapshot.",
        fields![NAMED_NODE, AS_JSON, VM_ID, NAME.optional().nullable()],
    )
    .lookup(Lookup::Name)
    .locks(&["vm_id"]),
];
