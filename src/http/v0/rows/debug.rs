//! Routes for debugging, and for running content by name.

use super::shared::NODE_IF_ANY;
use crate::http::v0::route::{Access, Plan, Reply, Route, Verb};
use crate::http::v0::{
    field::{Field, HOSTS, Kind},
    route::Named,
};

/// The fields of running by name. `as_json` is accepted and ignored: the response is always the log.
const BY_NAME: &[Field] = &[
    NODE_IF_ANY,
    Field::new("as_json", Kind::Bool, "false", "Accepted and ignored: the answer is always the log")
        .or_bool(false)
        .nullable()
        .no_variable(),
    Field::new(
        "hosts",
        Kind::Host(&HOSTS),
        r#""localhost""#,
        "The host or group to run on; `null` runs on all of the inventory",
    )
    .nullable()
    .no_variable(),
];

const fn by_name(path: &'static str, operation: &'static str, summary: &'static str, plan: Plan) -> Route {
    Route {
        method: Verb::Post,
        path,
        also: &[],
        operation,
        summary,
        tag: "run",
        access: Access::OPERATOR,
        fields: BY_NAME,
        plan,
        reply: Reply::Log,
        locks: &[],
    }
}

pub(super) const ROUTES: &[Route] = &[
    Route {
        tag: "debug",
        ..by_name(
            "/v0/admin/debug/ping",
            "debug_ping",
            "Runs the ping playbook on the hosts: can they be reached?",
            Plan::Ping,
        )
    },
    Route {
        method: Verb::Post,
        path: "/v0/admin/debug/func_test",
        also: &[],
        operation: "debug_func_test",
        summary: "Checks that machine 1000 exists, and returns `null` if it does.",
        tag: "debug",
        // This always runs Ansible, so it is not a read.
        access: Access::OPERATOR,
        fields: &[],
        plan: Plan::Find { vm_id: "1000" },
        reply: Reply::Null,
        locks: &[],
    },
    by_name(
        "/v0/admin/run/bundles/{name}/run",
        "run_bundle",
        "Runs a bundle by its name.",
        Plan::Named(Named::Bundle),
    ),
    by_name(
        "/v0/admin/run/scenarios/{name}/run",
        "run_scenario",
        "Runs a scenario by its name.",
        Plan::Named(Named::Scenario),
    ),
];
