//! Machines: list, power, create, clone, delete.

use super::shared::{AS_JSON, NODE, NODE_IF_ANY, VM_ID, action, fields};
use crate::http::v0::field::{DESCRIPTION, DOTTED, Field, ISO_VOLUME, Kind, NAME};
use crate::http::v0::route::{Access, Lookup, Route, Verb};

const NEW_NAME: Field =
    Field::new("vm_name", Kind::Text(&NAME), r#""web-02""#, "The name of the new machine");

const ON_MACHINE: &[Field] = &[NODE, AS_JSON, VM_ID];

const fn list(path: &'static str, name: &'static str, summary: &'static str) -> Route {
    action(path, name, "vms", summary, fields![NODE_IF_ANY, AS_JSON]).by(Access::VIEWER)
}

const fn power(path: &'static str, name: &'static str, summary: &'static str) -> Route {
    action(path, name, "vm_id", summary, ON_MACHINE).locks(&["vm_id"])
}

pub(super) const ROUTES: &[Route] = &[
    list("/v0/admin/proxmox/vms/list", "vm_list", "Lists the machines of a node."),
    list(
        "/v0/admin/proxmox/vms/list_usage",
        "vm_list_usage",
        "Lists the CPU, memory, disk, and network usage of the machines of a node.",
    ),
    power("/v0/admin/proxmox/vms/vm_id/start", "vm_start", "Starts a machine."),
    power("/v0/admin/proxmox/vms/vm_id/stop", "vm_stop", "Shuts a machine down."),
    power("/v0/admin/proxmox/vms/vm_id/stop_force", "vm_stop_force", "Switches a machine off.")
        .also(&[(Verb::Post, "/v0/admin/proxmox/vms/vm_id/stop-force")]),
    power("/v0/admin/proxmox/vms/vm_id/pause", "vm_pause", "Pauses a machine."),
    power("/v0/admin/proxmox/vms/vm_id/resume", "vm_resume", "Resumes a paused machine."),
    action(
        "/v0/admin/proxmox/vms/vm_id/create",
        "vm_create",
        "vm_id",
        "Creates a machine.",
        fields![
            NODE,
            AS_JSON,
            VM_ID,
            NEW_NAME,
            Field::new("vm_cpu", Kind::Text(&DOTTED), r#""host""#, "The type of its processors"),
            Field::new("vm_cores", Kind::Int(Some(1)), "2", "Cores per socket"),
            Field::new("vm_sockets", Kind::Int(Some(1)), "1", "Sockets"),
            Field::new("vm_memory", Kind::Int(Some(128)), "2048", "Memory, in MiB"),
            Field::new("vm_disk_size", Kind::Int(Some(1)), "32", "Size of its disk, in GiB")
                .optional()
                .nullable(),
            Field::new(
                "vm_iso",
                Kind::Text(&ISO_VOLUME),
                r#""local:iso/debian-13.iso""#,
                "The image in its CD drive: `<storage>:iso/<file>.iso`",
            )
            .optional()
            .nullable(),
        ],
    )
    .locks(&["vm_id"]),
    action("/v0/admin/proxmox/vms/vm_id/delete", "vm_delete", "vm_id", "Destroys a machine.", ON_MACHINE)
        .delete()
        .by(Access::ADMIN)
        .lookup(Lookup::Name)
        .locks(&["vm_id"]),
    action(
        "/v0/admin/proxmox/vms/vm_id/clone",
        "vm_clone",
        "vm_id",
        "Clones a machine or a template.",
        fields![
            NODE,
            AS_JSON,
            VM_ID,
            Field::new("vm_new_id", Kind::VmId, r#""1001""#, "The number of the new machine"),
            Field::new(
                "vm_description",
                Kind::Text(&DESCRIPTION),
                r#""cloned-vm""#,
                "The purpose of the new machine"
            )
            .or_text("cloned-vm")
            .nullable(),
            NEW_NAME,
        ],
    )
    .lookup(Lookup::Exists)
    .locks(&["vm_id", "vm_new_id"]),
];
