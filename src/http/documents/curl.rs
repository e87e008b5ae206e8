//! `curl_utils/`: one script per route of v0, at the path of the route, and one per endpoint of ranges.

use std::collections::BTreeMap;

use crate::http::{
    endpoint::Endpoint,
    endpoints,
    v0::{field_schema, route::Route, rows},
};

/// Prefix of a path that is not part of the script's directory.
const PREFIX: &str = "/v0/admin/";

/// The tag of the endpoints of v1 that have scripts, and the directory of these.
const RANGES: &str = "ranges";

const README: &str = "# One script per route

Each script calls one route and prints the reply; its head says what it does. The path of a script of v0 is that of the route; scripts in
`ranges/` are named by operations of v1. Made by `rangehand export curl --output curl_utils`.

```console
$ curl_utils/debug/ping.sh                                         # with the body that the script holds
$ curl_utils/proxmox/vms/vm_id/start.sh '{\"proxmox_node\":\"pve01\",\"vm_id\":\"1000\"}'
$ jq -n '{proxmox_node: \"pve01\"}' | curl_utils/proxmox/vms/list.sh - # the body from standard input
$ QUERY=wait=60 curl_utils/ranges/create_range.sh - < lab.yaml
```

| variable | default | meaning |
| --- | --- | --- |
| `BASE_URL` | `http://127.0.0.1:8000` | the service, or the gateway in front |
| `API_TOKEN` | none | an API token or a JWT, sent as `Authorization: Bearer` |
| `API_KEY` | none | sent as `apikey`, for a gateway that asks for one |
| `NAME` | `ping`, `hello_range` | the bundle or scenario of `run/*/name/run.sh` |
| `ID`, `PLATFORM` | `lab`, `simulated` | the range or platform of `ranges/*.sh` |
| `QUERY` | none | parameters of `ranges/*.sh`, such as `dry_run=true` |

The exit status is 22 when the reply is an error; it is printed all the same. Body, token and key reach curl through pipes, so other
users of the machine do not see them in its arguments.
";

/// The files by their paths below `curl_utils/`. All except for `README.md` are scripts.
#[must_use]
pub fn curl_utils() -> BTreeMap<String, String> {
    let of_v0 = rows::all().map(|route| (file(route.path), of_route(route)));
    let of_ranges = endpoints()
        .iter()
        .filter(|endpoint| endpoint.doc.tag == RANGES)
        .map(|endpoint| (format!("{RANGES}/{}.sh", endpoint.doc.operation), of_endpoint(endpoint)));
    of_v0.chain(of_ranges).chain([("README.md".to_owned(), README.to_owned())]).collect()
}

fn file(path: &str) -> String {
    let path = path.strip_prefix(PREFIX).unwrap_or(path);
    format!("{}.sh", path.replace("//", "/").replace(['{', '}'], ""))
}

/// A call, as a script makes it.
struct Call<'a> {
    summary: &'a str,
    method: &'a str,
    path: &'a str,
    permission: &'a str,
    /// The path with variables of the shell.
    target: String,
    /// An example of the body, and its content type.
    body: Option<(String, &'a str)>,
}

fn of_route(route: &Route) -> String {
    let name = if route.path.contains("/scenarios/") { "hello_range" } else { "ping" };
    let example = || (format!("{:#}", field_schema::example(route)), "application/json");
    script(&Call {
        summary: route.summary,
        method: route.method.as_str(),
        path: route.path,
        permission: route.access.role().map_or("", model::Role::as_str),
        target: route.path.replace("{name}", &format!("${{NAME:-{name}}}")),
        body: (!route.fields.is_empty()).then(example),
    })
}

fn of_endpoint(endpoint: &Endpoint) -> String {
    let path = endpoint.path.replace("{id}", "${ID:-lab}").replace("{platform}", "${PLATFORM:-simulated}");
    let body = endpoint.doc.body.as_ref().map(|body| {
        // JSON is YAML, too.
        let media = if body.yaml { "application/yaml" } else { "application/json" };
        (format!("{:#}", (body.example)()), media)
    });
    script(&Call {
        summary: endpoint.doc.summary,
        method: endpoint.verb.as_str(),
        path: &endpoint.path,
        permission: endpoint.access.role().map_or("", model::Role::as_str),
        target: format!("{path}${{QUERY:+?$QUERY}}"),
        body,
    })
}

fn script(call: &Call<'_>) -> String {
    let Call { summary, method, path, permission, target, body } = call;
    let mut text = format!("#!/bin/sh\n# {summary}\n#\n# {method} {path} (permission: {permission})\n#\n");
    if body.is_some() {
        text.push_str(
            "#   [BASE_URL=URL] [API_TOKEN=TOKEN] [API_KEY=KEY] SCRIPT [BODY]    a BODY of `-` is read from standard input\n",
        );
    } else {
        text.push_str("#   [BASE_URL=URL] [API_TOKEN=TOKEN] [API_KEY=KEY] SCRIPT\n");
    }
    text.push_str("set -eu\n\n");
    if let Some((example, _)) = body {
        let example = example.replace('\'', "'\\''");
        text.push_str(&format!(
            "body='{example}'\n[ $# -eq 0 ] || body=$1\n[ \"$body\" != - ] || body=$(cat)\n\n"
        ));
        text.push_str("printf '%s' \"$body\" | ");
    }
    text.push_str(&format!("curl -sS --fail-with-body --globoff -X {method} -K /dev/fd/3 \\\n"));
    if let Some((_, media)) = body {
        text.push_str(&format!("  -H 'content-type: {media}' --data-binary @- \\\n"));
    }
    text.push_str(&format!(
        "  \"${{BASE_URL:-http://127.0.0.1:8000}}{target}\" 3<<KEY\n${{API_TOKEN:+header = \"authorization: Bearer $API_TOKEN\"}}\n${{API_KEY:+header = \"apikey: $API_KEY\"}}\nKEY\necho\n"
    ));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_and_every_endpoint_of_ranges_has_a_script_of_its_own() {
        let of_ranges = endpoints().iter().filter(|endpoint| endpoint.doc.tag == RANGES).count();
        assert_eq!(curl_utils().len(), rows::all().count() + of_ranges + 1);
    }
}
