//! Bundles for the machines of a default range: admin, student, and vulnerable machines.

use super::shared::{AS_JSON, NODE, NODE_IF_ANY, fields};
use crate::http::v0::route::{Access, Plan, Reply, Route, Verb};
use crate::http::v0::{
    field::{Field, IPV4, Kind, WORD},
    route::Limit,
};

const ADMIN: &[&str] =
    &["admin-wazuh", "admin-web-api-kong", "admin-web-builder-api", "admin-web-deployer-ui", "admin-web-emp"];
const STUDENT: &[&str] = &["student-box-01"];
const VULN: &[&str] = &["vuln-box-00", "vuln-box-01", "vuln-box-02", "vuln-box-03", "vuln-box-04"];

const MACHINE: &[Field] = &[
    Field::new("vm_id", Kind::Int(Some(1)), "3001", "The number the machine gets").variable("global_vm_id"),
    Field::new("vm_ip", Kind::Text(&IPV4), r#""192.168.42.30""#, "The address the machine gets")
        .variable("global_vm_ci_ip"),
    Field::new("vm_description", Kind::ShortText(200), r#""a box""#, "The purpose of the machine")
        .variable("global_vm_description"),
];

const fn create(
    path: &'static str,
    operation: &'static str,
    bundle: &'static str,
    machines: &'static [&'static str],
    fields: &'static [Field],
) -> Route {
    Route {
        method: Verb::Post,
        path,
        also: &[],
        operation,
        summary: "Creates the machines of the set: one run for each, then one for all.",
        tag: "bundles proxmox",
        access: Access::OPERATOR,
        fields,
        plan: Plan::CreateMachines { bundle, machines },
        reply: Reply::Log,
        locks: &["vms"],
    }
}

const fn set(
    path: &'static str,
    operation: &'static str,
    bundle: &'static str,
    key: &'static str,
    summary: &'static str,
) -> Route {
    Route {
        method: Verb::Post,
        path,
        also: &[],
        operation,
        summary,
        tag: "bundles proxmox",
        access: Access::OPERATOR,
        fields: fields![NODE_IF_ANY, AS_JSON],
        plan: Plan::Bundle { bundle, limit: Limit::Node, constant: None },
        reply: Reply::Results(key),
        locks: &[],
    }
}

const fn power(
    path: &'static str,
    operation: &'static str,
    bundle: &'static str,
    action: &'static str,
    summary: &'static str,
) -> Route {
    let mut route = set(path, operation, bundle, action, summary);
    route.plan = Plan::Bundle { bundle, limit: Limit::Node, constant: Some(("proxmox_vm_action", action)) };
    route
}

const fn revert(path: &'static str, operation: &'static str, bundle: &'static str) -> Route {
    let mut route =
        set(path, operation, bundle, "snapshot_vm_revert", "Reverts the machines of the set to a snapshot.");
    route.fields = fields![
        NODE_IF_ANY,
        AS_JSON,
        Field::new("vm_snapshot_name", Kind::Text(&WORD), r#""before_exercise""#, "The snapshot")
            .variable("VM_SNAPSHOT_NAME")
            .optional()
            .nullable(),
    ];
    route
}

const VMS_ADMIN: Field = Field::new(
    "vms",
    Kind::Map(MACHINE),
    r#"{"admin-wazuh": {"vm_id": 1000, "vm_ip": "192.168.42.10", "vm_description": "a box"}, "admin-web-api-kong": {"vm_id": 1001, "vm_ip": "192.168.42.11", "vm_description": "a box"}, "admin-web-builder-api": {"vm_id": 1002, "vm_ip": "192.168.42.12", "vm_description": "a box"}, "admin-web-deployer-ui": {"vm_id": 1003, "vm_ip": "192.168.42.13", "vm_description": "a box"}, "admin-web-emp": {"vm_id": 1004, "vm_ip": "192.168.42.14", "vm_description": "a box"}}"#,
    "Number, address and description of each machine of the set, by its name; all must be there",
)
.no_variable();
const VMS_STUDENT: Field = Field::new(
    "vms",
    Kind::Map(MACHINE),
    r#"{"student-box-01": {"vm_id": 3001, "vm_ip": "192.168.42.10", "vm_description": "a box"}}"#,
    "Number, address and description of each machine of the set, by its name; all must be there",
)
.no_variable();
const VMS_VULN: Field = Field::new(
    "vms",
    Kind::Map(MACHINE),
    r#"{"vuln-box-00": {"vm_id": 4000, "vm_ip": "192.168.42.10", "vm_description": "a box"}, "vuln-box-01": {"vm_id": 4001, "vm_ip": "192.168.42.11", "vm_description": "a box"}, "vuln-box-02": {"vm_id": 4002, "vm_ip": "192.168.42.12", "vm_description": "a box"}, "vuln-box-03": {"vm_id": 4003, "vm_ip": "192.168.42.13", "vm_description": "a box"}, "vuln-box-04": {"vm_id": 4004, "vm_ip": "192.168.42.14", "vm_description": "a box"}}"#,
    "Number, address and description of each machine of the set, by its name; all must be there",
)
.no_variable();

pub(super) const ROUTES: &[Route] = &[
    create(
        "/v0/admin/run/bundles/core/proxmox/configure/default/create-vms-admin",
        "bundle_create_vms_admin",
        "core/proxmox/configure/default/vms/create-vms-admin",
        ADMIN,
        fields![NODE, VMS_ADMIN],
    ),
    create(
        "/v0/admin/run/bundles/core/proxmox/configure/default/create-vms-vuln",
        "bundle_create_vms_vuln",
        "core/proxmox/configure/default/vms/create-vms-vuln",
        VULN,
        fields![NODE, VMS_VULN],
    ),
    create(
        "/v0/admin/run/bundles/core/proxmox/configure/default/create-vms-student",
        "bundle_create_vms_student",
        "core/proxmox/configure/default/vms/create-vms-student",
        STUDENT,
        fields![NODE, VMS_STUDENT],
    ),
    power(
        "/v0/admin/run/bundles/core/proxmox/configure/default/start-vms-admin",
        "bundle_start_vms_admin",
        "core/proxmox/configure/default/vms/start-stop-pause-resume-vms-admin",
        "vm_start",
        "Starts the machines of the set.",
    ),
    power(
        "/v0/admin/run/bundles/core/proxmox/configure/default/stop-vms-admin",
        "bundle_stop_vms_admin",
        "core/proxmox/configure/default/vms/start-stop-pause-resume-vms-admin",
        "vm_stop",
        "Shuts down the machines of the set.",
    ),
    power(
        "/v0/admin/run/bundles/core/proxmox/configure/default/pause-vms-admin",
        "bundle_pause_vms_admin",
        "core/proxmox/configure/default/vms/start-stop-pause-resume-vms-admin",
        "vm_pause",
        "Pauses the machines of the set.",
    ),
    power(
        "/v0/admin/run/bundles/core/proxmox/configure/default/resume-vms-admin",
        "bundle_resume_vms_admin",
        "core/proxmox/configure/default/vms/start-stop-pause-resume-vms-admin",
        "vm_resume",
        "Resumes the machines of the set.",
    ),
    power(
        "/v0/admin/run/bundles/core/proxmox/configure/default/start-vms-vuln",
        "bundle_start_vms_vuln",
        "core/proxmox/configure/default/vms/start-stop-pause-resume-vms-vuln",
        "vm_start",
        "Starts the machines of the set.",
    ),
    power(
        "/v0/admin/run/bundles/core/proxmox/configure/default/stop-vms-vuln",
        "bundle_stop_vms_vuln",
        "core/proxmox/configure/default/vms/start-stop-pause-resume-vms-vuln",
        "vm_stop",
        "Shuts down the machines of the set.",
    ),
    power(
        "/v0/admin/run/bundles/core/proxmox/configure/default/pause-vms-vuln",
        "bundle_pause_vms_vuln",
        "core/proxmox/configure/default/vms/start-stop-pause-resume-vms-vuln",
        "vm_pause",
        "Pauses the machines of the set.",
    ),
    power(
        "/v0/admin/run/bundles/core/proxmox/configure/default/resume-vms-vuln",
        "bundle_resume_vms_vuln",
        "core/proxmox/configure/default/vms/start-stop-pause-resume-vms-vuln",
        "vm_resume",
        "Resumes the machines of the set.",
    ),
    power(
        "/v0/admin/run/bundles/core/proxmox/configure/default/start-vms-student",
        "bundle_start_vms_student",
        "core/proxmox/configure/default/vms/start-stop-pause-resume-vms-student",
        "vm_start",
        "Starts the machines of the set.",
    ),
    power(
        "/v0/admin/run/bundles/core/proxmox/configure/default/stop-vms-student",
        "bundle_stop_vms_student",
        "core/proxmox/configure/default/vms/start-stop-pause-resume-vms-student",
        "vm_stop",
        "Shuts down the machines of the set.",
    ),
    power(
        "/v0/admin/run/bundles/core/proxmox/configure/default/pause-vms-student",
        "bundle_pause_vms_student",
        "core/proxmox/configure/default/vms/start-stop-pause-resume-vms-student",
        "vm_pause",
        "Pauses the machines of the set.",
    ),
    power(
        "/v0/admin/run/bundles/core/proxmox/configure/default/resume-vms-student",
        "bundle_resume_vms_student",
        "core/proxmox/configure/default/vms/start-stop-pause-resume-vms-student",
        "vm_resume",
        "Resumes the machines of the set.",
    ),
    set(
        "/v0/admin/run/bundles/core/proxmox/configure/default/delete-vms-student",
        "bundle_delete_vms_student",
        "core/proxmox/configure/default/vms/delete-vms-student",
        "vm_delete",
        "Destroys the machines of the set.",
    )
    .delete()
    .by(Access::ADMIN),
    set(
        "/v0/admin/run/bundles/core/proxmox/configure/default/delete-vms-vuln",
        "bundle_delete_vms_vuln",
        "core/proxmox/configure/default/vms/delete-vms-vuln",
        "vm_delete",
        "Destroys the machines of the set.",
    )
    .delete()
    .by(Access::ADMIN),
    set(
        "/v0/admin/run/bundles/core/proxmox/configure/default/delete-vms-admin",
        "bundle_delete_vms_admin",
        "core/proxmox/configure/default/vms/delete-vms-admin",
        "vm_delete",
        "Destroys the machines of the set.",
    )
    .delete()
    .by(Access::ADMIN),
    set(
        "/v0/admin/run/bundles/core/proxmox/configure/default/snapshot/create-vms-student",
        "bundle_snapshot_vms_student",
        "core/proxmox/configure/default/vms/snapshot/create-vms-student",
        "snapshot_vm_create",
        "Takes a snapshot of each machine of the set.",
    ),
    set(
        "/v0/admin/run/bundles/core/proxmox/configure/default/snapshot/create-vms-vuln",
        "bundle_snapshot_vms_vuln",
        "core/proxmox/configure/default/vms/snapshot/create-vms-vuln",
        "snapshot_vm_create",
        "Takes a snapshot of each machine of the set.",
    ),
    set(
        "/v0/admin/run/bundles/core/proxmox/configure/default/snapshot/create-vms-admin",
        "bundle_snapshot_vms_admin",
        "core/proxmox/configure/default/vms/snapshot/create-vms-admin",
        "snapshot_vm_create",
        "Takes a snapshot of each machine of the set.",
    ),
    revert(
        "/v0/admin/run/bundles/core/proxmox/configure/default/snapshot/revert-vms-student",
        "bundle_revert_vms_student",
        "core/proxmox/configure/default/vms/snapshot/revert-vms-student",
    ),
    revert(
        "/v0/admin/run/bundles/core/proxmox/configure/default/snapshot/revert-vms-vuln",
        "bundle_revert_vms_vuln",
        "core/proxmox/configure/default/vms/snapshot/revert-vms-vuln",
    ),
    revert(
        "/v0/admin/run/bundles/core/proxmox/configure/default/snapshot/revert-vms-admin",
        "bundle_revert_vms_admin",
        "core/proxmox/configure/default/vms/snapshot/revert-vms-admin",
    ),
];
