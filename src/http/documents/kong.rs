//! `kong.yml`: a declarative configuration (format 3.0) for the Kong gateway in front of the service.
//!
//! It has one service per role, all with the same upstream. Key authentication, ACL groups, and rate limits are
//! configured per service and apply to all of its routes. The operator adds consumers; the file ends with an
//! example.

use model::Role;
use serde_json::{Value, json};

use super::yaml;
use crate::http::{endpoint::Endpoint, endpoints};

/// Access per role: the groups that have it, and the rate limit per minute.
const LEVELS: &[(Role, &[&str], u32)] = &[
    (Role::Viewer, &["viewer", "operator", "admin"], 1200),
    (Role::Operator, &["operator", "admin"], 300),
    (Role::Admin, &["admin"], 60),
];

/// Maximum duration of a request, in milliseconds. v0 requests wait for the end of a run.
const LONGEST_MS: u32 = 6 * 3600 * 1000;

const HEAD: &str = "# Kong in front of Rangehand. Made by `rangehand export kong`; --upstream URL names another address.
#
# Keys are asked for in the header `apikey` or `x-api-key`. Groups nest: an operator may do what a viewer may, an admin
# everything. Rate limits count per consumer. Consumers are yours: see the end.
";

const TAIL: &str = "
# The service believes consumers and groups (access mode `gateway`) from listed addresses, and with a secret. Add this to
# the plugins of `rangehand-viewer`, `-operator` and `-admin`, and nowhere else: where no plugin asks for a key, Kong
# passes on what callers themselves write into X-Consumer-Username.
#
#   - name: request-transformer
#     config:
#       replace:
#         headers: [\"X-Gateway-Secret:{vault://env/rangehand-gateway-secret}\"]
#       add:
#         headers: [\"X-Gateway-Secret:{vault://env/rangehand-gateway-secret}\"]
#
# Consumers: add them here or in a file of their own (`deck gateway sync kong.yml consumers.yml`).
#
# consumers:
#   - username: deployer
#     keyauth_credentials:
#       - key: a-long-random-text
#     acls:
#       - group: operator
";

/// Generates the file for a service at this URL.
#[must_use]
pub fn kong(upstream: &str) -> String {
    format!("{HEAD}{}{TAIL}", yaml::write(&value(upstream)))
}

/// The configuration as a value.
#[must_use]
pub fn value(upstream: &str) -> Value {
    let of = |role: Option<Role>| {
        endpoints().iter().filter(move |endpoint| endpoint.access.role() == role).map(route)
    };
    let mut services = vec![service("open", upstream, of(None).chain([preflight()]).collect(), Vec::new())];
    for (role, groups, per_minute) in LEVELS {
        let routes = of(Some(*role)).collect();
        services.push(service(role.as_str(), upstream, routes, plugins(groups, *per_minute)));
    }
    json!({ "_format_version": "3.0", "services": services })
}

fn service(name: &str, upstream: &str, routes: Vec<Value>, plugins: Vec<Value>) -> Value {
    let mut service = json!({
        "name": format!("rangehand-{name}"),
        "url": upstream,
        "connect_timeout": 5000,
        "write_timeout": 60000,
        "read_timeout": LONGEST_MS,
        // Requests that start jobs must not be repeated.
        "retries": 0,
        "tags": ["rangehand"],
    });
    if !plugins.is_empty() {
        service["plugins"] = plugins.into();
    }
    service["routes"] = routes.into();
    service
}

fn plugins(groups: &[&str], per_minute: u32) -> Vec<Value> {
    vec![
        json!({ "name": "key-auth", "config": { "key_names": ["apikey", "x-api-key"], "hide_credentials": true } }),
        json!({ "name": "acl", "config": { "allow": groups, "hide_groups_header": false } }),
        json!({ "name": "rate-limiting", "config": { "minute": per_minute, "policy": "local", "limit_by": "consumer" } }),
    ]
}

/// Preflight requests of browsers, which are sent without a key. The service answers them itself.
fn preflight() -> Value {
    json!({
        "name": "rangehand-preflight",
        "paths": ["~/(v0|v1)/.+$"],
        "methods": ["OPTIONS"],
        "protocols": ["http", "https"],
        "strip_path": false,
        "preserve_host": false,
    })
}

fn route(endpoint: &Endpoint) -> Value {
    let mut route = json!({
        "name": format!("rangehand-{}", endpoint.doc.operation),
        "paths": [pattern(&endpoint.path)],
        "methods": endpoint.methods().collect::<Vec<_>>(),
        "protocols": ["http", "https"],
        "strip_path": false,
        "preserve_host": false,
    });
    if endpoint.doc.streams {
        route["response_buffering"] = false.into();
    }
    route
}

/// A path as a regular expression, which Kong recognizes by `~`. A name can have several segments, and any other
/// parameter has one.
fn pattern(path: &str) -> String {
    let mut pattern = String::from("~");
    for (at, part) in path.split('{').enumerate() {
        let (variable, rest) = if at == 0 { ("", part) } else { part.split_once('}').unwrap_or(("", part)) };
        pattern.push_str(match (at, variable) {
            (0, _) => "",
            (_, "name") => ".+",
            _ => "[^/]+",
        });
        pattern.push_str(&regex::escape(rest).replace("\\-", "-"));
    }
    pattern.push('$');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_their_paths_and_no_more() {
        for (path, is_match) in [
            ("/v0/admin/run/bundles/{name}/run", "/v0/admin/run/bundles/a/b.c/run"),
            ("/v1/jobs/{id}", "/v1/jobs/01a1f8b8-02b5-76ad-8dce-93e1f081d6e3"),
            ("/docs/openapi.json", "/docs/openapi.json"),
            ("/v0/admin/proxmox/network//node/list", "/v0/admin/proxmox/network//node/list"),
        ] {
            let pattern = pattern(path);
            let text = pattern.strip_prefix('~').expect("Kong's mark");
            assert!(pattern.ends_with('$'));
            let regex = regex::Regex::new(&format!("^{text}")).expect("a pattern");
            assert!(regex.is_match(is_match), "{text}");
            assert!(!regex.is_match(&format!("{is_match}/more")) || path.ends_with("{name}"), "{text}");
        }
        assert_eq!(pattern("/docs/openapi.json"), r"~/docs/openapi\.json$");
        assert_eq!(pattern("/v1/jobs/{id}/log"), "~/v1/jobs/[^/]+/log$");
    }
}
