//! Actions on several machines at once.

use super::shared::{AS_JSON, NODE, fields};
use crate::http::v0::route::{Access, Plan, Reply, Route, Verb};
use crate::http::v0::{
    field::{FULL_NAME, Field, Kind, When},
    route::Limit,
};

const NODE_IN_CAPITALS: Field = NODE.variable("PROXMOX_NODE").when(When::NotEmpty);

const MACHINE: &[Field] = &[
    Field::new("id", Kind::VmId, r#""4000""#, "The number of the machine").variable("ID"),
    Field::new("name", Kind::Text(&FULL_NAME), r#""vuln-box-00""#, "The name of the machine")
        .variable("NAME"),
];

/// The bundle of the vulnerable machines accepts any machine.
const fn power(
    path: &'static str,
    operation: &'static str,
    action: &'static str,
    summary: &'static str,
) -> Route {
    Route {
        method: Verb::Post,
        path,
        also: &[],
        operation,
        summary,
        tag: "vm_ids",
        access: Access::OPERATOR,
        fields: fields![
            NODE_IN_CAPITALS,
            AS_JSON,
            Field::new(
                "vm_ids",
                Kind::List(&Kind::AnyVmId),
                r#"["4000", "4001"]"#,
                "The numbers of the machines"
            )
            .variable("VM_IDS"),
        ],
        plan: Plan::Bundle {
            bundle: "core/proxmox/configure/default/vms/start-stop-pause-resume-vms-vuln",
            limit: Limit::Node,
            constant: Some(("PROXMOX_VM_ACTION", action)),
        },
        reply: Reply::Results(action),
        locks: &["vm_ids"],
    }
}

pub(super) const ROUTES: &[Route] = &[
    power("/v0/admin/proxmox/vms/vm_ids/stop", "mass_stop", "vm_stop", "Shuts machines down."),
    power(
        "/v0/admin/proxmox/vms/vm_ids/stop_force",
        "mass_stop_force",
        "vm_stop_force",
        "Switches machines off.",
    )
    .also(&[(Verb::Post, "/v0/admin/proxmox/vms/vm_ids/stop-force")]),
    power("/v0/admin/proxmox/vms/vm_ids/start", "mass_start", "vm_start", "Starts machines."),
    power("/v0/admin/proxmox/vms/vm_ids/pause", "mass_pause", "vm_pause", "Pauses machines."),
    power("/v0/admin/proxmox/vms/vm_ids/resume", "mass_resume", "vm_resume", "Resumes paused machines."),
    Route {
        method: Verb::Delete,
        path: "/v0/admin/proxmox/vms/vm_ids/delete",
        also: &[],
        operation: "mass_delete",
        summary: "Destroys machines.",
        tag: "vm_ids",
        access: Access::ADMIN,
        fields: fields![
            NODE_IN_CAPITALS,
            AS_JSON,
            Field::new(
                "vms",
                Kind::List(&Kind::Object(MACHINE)),
                r#"[{"id": "4000", "name": "vuln-box-00"}]"#,
                "Number and name of each machine",
            )
            .variable("VMS"),
        ],
        plan: Plan::Bundle {
            bundle: "core/proxmox/configure/default/vms/delete-vms-vuln",
            limit: Limit::Node,
            constant: None,
        },
        reply: Reply::Results("vm_delete"),
        locks: &["vms"],
    },
];
