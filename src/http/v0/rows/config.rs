//! The configuration of a machine.

use super::shared::{AS_JSON, NODE, VM_ID, action, fields};
use crate::http::v0::field::{Field, Kind, TAGS, When};
use crate::http::v0::route::{Access, Route};

const fn get(path: &'static str, name: &'static str, summary: &'static str) -> Route {
    action(path, name, "config", summary, fields![NODE, AS_JSON, VM_ID]).by(Access::VIEWER)
}

pub(super) const ROUTES: &[Route] = &[
    get(
        "/v0/admin/proxmox/vms/vm_id/config/vm_get_config",
        "vm_get_config",
        "The whole configuration of a machine.",
    ),
    get(
        "/v0/admin/proxmox/vms/vm_id/config/vm_get_config_cdrom",
        "vm_get_config_cdrom",
        "The CD drives of a machine.",
    ),
    get(
        "/v0/admin/proxmox/vms/vm_id/config/vm_get_config_cpu",
        "vm_get_config_cpu",
        "The processors of a machine.",
    ),
    get(
        "/v0/admin/proxmox/vms/vm_id/config/vm_get_config_ram",
        "vm_get_config_ram",
        "The memory of a machine.",
    ),
    action(
        "/v0/admin/proxmox/vms/vm_id/config/vm_set_tag",
        "vm_set_tag",
        "config",
        "Sets the tags of a machine.",
        fields![
            NODE,
            AS_JSON,
            VM_ID,
            Field::new(
                "vm_tag_name",
                Kind::Text(&TAGS),
                r#""group_01,group_02""#,
                "The tags, separated by commas"
            )
            .when(When::WithNode),
        ],
    )
    .locks(&["vm_id"]),
];
