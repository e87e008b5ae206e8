//! Containers. The web page of the deployer uses these routes; the reference service does not have them.

use super::shared::{AS_JSON, NODE, NODE_IF_ANY, VM_ID, action, fields};
use crate::http::v0::field::{
    CONTAINER_IP, DOTTED, FULL_NAME, Field, IPV4, Kind, PASSWORD, TEMPLATE_VOLUME, When,
};
use crate::http::v0::route::{Access, Lookup, Route};

const ON_CONTAINER: &[Field] = &[NODE, AS_JSON, VM_ID];

const fn text(
    name: &'static str,
    pattern: &'static crate::http::v0::field::Pattern,
    example: &'static str,
    about: &'static str,
) -> Field {
    Field::new(name, Kind::Text(pattern), example, about)
}

pub(super) const ROUTES: &[Route] = &[
    action(
        "/v0/admin/proxmox/lxc/list",
        "lxc_list",
        "lxc",
        "Lists the containers of a node.",
        fields![NODE_IF_ANY, AS_JSON,],
    )
    .by(Access::VIEWER),
    action(
        "/v0/admin/proxmox/lxc/create",
        "lxc_create",
        "lxc",
        "Creates a container.",
        fields![
            NODE,
            AS_JSON,
            VM_ID,
            text("lxc_name", &FULL_NAME, r#""web-ct""#, "The name of the container"),
            text(
                "lxc_template",
                &TEMPLATE_VOLUME,
                r#""local:vztmpl/debian-13-standard_13.1-1_amd64.tar.zst""#,
                "The template it is made from: `<storage>:vztmpl/<file>`",
            ),
            text("proxmox_storage", &FULL_NAME, r#""local-lvm""#, "The storage of its disk"),
            Field::new("lxc_disk_size", Kind::Int(Some(1)), "8", "Size of its disk, in GiB"),
            Field::new("lxc_cores", Kind::Int(Some(1)), "1", "Cores"),
            Field::new("lxc_memory", Kind::Int(Some(16)), "512", "Memory, in MiB"),
            text("lxc_password", &PASSWORD, r#""""#, "The password of root")
                .optional()
                .nullable()
                .when(When::NotEmpty)
                .secret(),
            Field::new(
                "lxc_ssh_pubkeys",
                Kind::ShortText(16_384),
                r#""ssh-ed25519 AAAA... me""#,
                "Public SSH keys of root, one per line"
            )
            .optional()
            .nullable(),
            text("lxc_net_name", &DOTTED, r#""eth0""#, "The name of its interface").or_text("eth0"),
            text("lxc_bridge", &DOTTED, r#""vmbr0""#, "The bridge it is plugged into").or_text("vmbr0"),
            text(
                "lxc_ip",
                &CONTAINER_IP,
                r#""192.168.42.60/24""#,
                "Its address with prefix length, or `dhcp`"
            )
            .or_text("dhcp"),
            text("lxc_gateway", &IPV4, r#""192.168.42.1""#, "Its gateway").optional().nullable(),
            text("lxc_dns_primary", &IPV4, r#""192.168.42.1""#, "Its first name server")
                .optional()
                .nullable(),
            text("lxc_dns_secondary", &IPV4, r#""9.9.9.9""#, "Its second name server").optional().nullable(),
        ],
    )
    .locks(&["vm_id"]),
    action("/v0/admin/proxmox/lxc/start", "lxc_start", "lxc", "Starts a container.", ON_CONTAINER)
        .locks(&["vm_id"]),
    action("/v0/admin/proxmox/lxc/stop", "lxc_stop", "lxc", "Shuts a container down.", ON_CONTAINER)
        .locks(&["vm_id"]),
    action("/v0/admin/proxmox/lxc/delete", "lxc_delete", "lxc", "Destroys a container.", ON_CONTAINER)
        .delete()
        .by(Access::ADMIN)
        .lookup(Lookup::Container)
        .locks(&["vm_id"]),
];
