//! The OpenAPI document: operations by path, and shared components.

use std::collections::BTreeMap;

use api::v0;
use serde_json::{Map, Value, json};

use super::{operation, shared};
use crate::http::{
    endpoint::{Endpoint, Schemas},
    endpoints,
    v0::reply::JOB_HEADER,
};

const ABOUT: &str = "Each request that runs something creates a job.

**v1** is Rangehand's own interface. **v0** responds like the Range42 backend API and waits until the job ends; the header \
`X-Rangehand-Job` contains the job's ID.

- Callers authenticate with an API token or a JWT (`bearer`), or through a trusted gateway (`kong.yml`), depending on the setting \
`access.modes`. Only with `none`, the default on a loopback address, every client has the role `admin`. Health checks and `/docs/` \
never require authentication.
- `x-permission` is the role that a caller needs: `viewer`, `operator` (includes `viewer`), or `admin` (includes `operator`).
- v0 accepts more than its schemas state, as the service it replaces did: `\"2\"` for 2, `\"yes\"` or 1 for `true`, 1000 for `\"1000\"` \
where a machine's number is expected; unknown fields are ignored; a body without a content type is read as JSON.
- A method that a path doesn't have returns 405 with `Allow`, an unknown path 404, and a v0 path with an extra trailing slash 307. \
`/healthz`, `/readyz`, and `/docs` also accept HEAD.
- Every response has `X-Request-Id`. A client can send one: 1 to 64 of `A-Z a-z 0-9 - _ .`.
- v1 rejects unknown query parameters (422).";

const TAGS: &[(&str, &str)] = &[
    ("run", "v0: bundles and scenarios by their names"),
    ("debug", "v0: trying things out"),
    ("bundles ubuntu", "v0: bundles for Ubuntu hosts"),
    ("bundles proxmox", "v0: the machines of a default range"),
    ("vms", "v0: lists of machines"),
    ("vm_id", "v0: one machine"),
    ("vm_ids", "v0: many machines"),
    ("config", "v0: the configuration of a machine"),
    ("snapshot", "v0: snapshots"),
    ("storage", "v0: storage"),
    ("firewall", "v0: firewalls"),
    ("network", "v0: networks"),
    ("lxc", "v0: containers"),
    ("jobs", "v1: jobs"),
    ("streams", "v1: live events and logs"),
    ("ranges", "v1: ranges, their plans, and platforms"),
    ("catalog", "v1: available content and inventories"),
    ("orchestrator", "Ranges as graphs, as in the Local Deployments Orchestrator"),
    ("service", "Health and metrics"),
    ("page", "The web page"),
    ("documents", "These documents"),
];

/// The document as a value.
pub(super) fn value() -> Value {
    let mut schemas = Schemas::default();
    let mut operations: Vec<_> =
        endpoints().iter().map(|endpoint| (endpoint, operation::object(endpoint, &mut schemas))).collect();
    let shared = shared::take_out(operations.iter_mut().map(|(_, object)| object));
    let responses = responses(&mut schemas);
    let job = json!({ "description": "The job of this request: see `/v1/jobs/{id}`", "schema": schemas.of::<api::JobId>() });
    let mut definitions = schemas.into_definitions();
    definitions.extend(shared);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Rangehand",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Runs Ansible over HTTP",
            "description": ABOUT,
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/", "description": "Where this document came from" }],
        "security": [{ "bearer": [] }, { "key": [] }, {}],
        "tags": TAGS.iter().map(|(name, about)| json!({ "name": name, "description": about })).collect::<Vec<_>>(),
        "paths": paths(operations),
        "components": {
            "securitySchemes": {
                "bearer": {
                    "type": "http", "scheme": "bearer",
                    "description": "An API token (`rangehand token create`) or a JWT, in the access modes `token` and `jwt`",
                },
                "key": {
                    "type": "apiKey", "in": "header", "name": "apikey",
                    "description": "Required by a gateway in front of the service (`kong.yml`), not by the service itself",
                },
            },
            "headers": { "Job": job },
            "responses": responses,
            "schemas": definitions,
        },
    })
}

/// The document, formatted for reading and version control.
#[must_use]
pub fn openapi() -> String {
    format!("{:#}\n", value())
}

fn paths(operations: Vec<(&Endpoint, Value)>) -> Map<String, Value> {
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for (endpoint, object) in operations {
        let method = endpoint.verb.as_str().to_ascii_lowercase();
        paths.entry(&endpoint.path).or_default().insert(method, object);
    }
    paths.into_iter().map(|(path, methods)| (path.to_owned(), Value::Object(methods))).collect()
}

/// Responses that many operations share.
fn responses(schemas: &mut Schemas) -> Value {
    let (log, result) = (schemas.of::<v0::Log>(), schemas.of::<v0::Outcome>());
    let (one_detail, faults) = (schemas.of::<v0::Detail>(), schemas.of::<v0::Faults>());
    let detail = || one_detail.clone();
    let v0 = |about: &str, schema: Value| {
        json!({
            "description": about,
            "headers": { JOB_HEADER: { "$ref": "#/components/headers/Job" } },
            "content": { "application/json": { "schema": schema } },
        })
    };
    let failed = "The run did not succeed, and `error` contains the reason; or a machine that is looked up does not exist; or the installation is broken";
    json!({
        "V0Result": v0("It succeeded. With `as_json` false the log instead of the result", json!({ "anyOf": [result, log] })),
        "V0Log": v0("It succeeded", log.clone()),
        "V0Null": v0("It succeeded", json!({ "type": "null" })),
        "V0ResultFailed": v0(failed, json!({ "anyOf": [result, log, detail()] })),
        "V0LogFailed": v0(failed, json!({ "anyOf": [log, detail()] })),
        "V0Failed": v0(failed, detail()),
        "V0BadRequest": v0(
            "An invalid name, a link that points outside the content root, a missing playbook or inventory, or an invalid host pattern",
            detail(),
        ),
        "V0NotFound": v0("No such bundle or scenario", detail()),
        "V0TooLong": v0("More than `server.body_limit_bytes`", detail()),
        "V0NotJson": v0("The content type is not JSON", detail()),
        "V0Unprocessable": v0("Fields are invalid; all of them are listed", faults),
        "V0Stopping": v0(
            "The service is stopping, and the job continues. Or nothing was started: the caller cannot be authenticated, or the audit log \
             cannot be written",
            detail(),
        ),
        "V0Unknown": v0("Missing or invalid credentials", detail()),
        "V0Forbidden": v0("The role of the caller is too low, or the request comes from a page of an unknown origin", detail()),
        "V0TooMany": v0("Too many requests: `Retry-After` has the seconds to wait", detail()),
        "Problem": {
            "description": "A problem; see `code`",
            "content": { "application/problem+json": { "schema": schemas.of::<api::Problem>() } },
        },
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::http::documents::serve;

    #[test]
    fn every_tag_is_described_and_used() {
        let used: BTreeSet<_> = endpoints().iter().map(|endpoint| endpoint.doc.tag).collect();
        let described: BTreeSet<_> = TAGS.iter().map(|(name, _)| *name).collect();
        assert_eq!(used, described);
    }

    #[test]
    fn the_document_that_is_served_is_what_the_endpoints_say() {
        assert_eq!(serve::compact(serve::WRITTEN), value().to_string().into_bytes());
    }

    #[test]
    fn every_reference_leads_somewhere_and_every_schema_is_used() {
        let document = value();
        let text = document.to_string();
        let mut found = BTreeSet::new();
        for part in text.split("\"$ref\":\"").skip(1) {
            let target = part.split('"').next().unwrap_or_default();
            assert!(document.pointer(&target[1..]).is_some(), "{target}");
            found.insert(target);
        }
        for group in ["schemas", "responses", "headers"] {
            let names = document["components"][group].as_object().expect("a group").keys();
            for name in names {
                let target = format!("#/components/{group}/{name}");
                assert!(found.contains(target.as_str()), "nothing refers to {target}");
            }
        }
    }
}
