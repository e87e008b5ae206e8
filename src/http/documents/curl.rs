//! `curl_utils/`: one script per route of v0, at the path of the route.

use std::collections::BTreeMap;

use crate::http::v0::{field_schema, route::Route, rows};

/// Prefix of a path that is not part of the script's directory.
const PREFIX: &str = "/v0/admin/";

const README: &str = "# One script per route

Each script calls one route of v0 and prints the reply; its path is that of the route, and its head says what it does. Made by
`rangehand export curl --output curl_utils`.

```console
$ curl_utils/debug/ping.sh                                         # with the body that the script holds
$ curl_utils/proxmox/vms/vm_id/start.sh '{\"proxmox_node\":\"pve01\",\"vm_id\":\"1000\"}'
$ jq -n '{proxmox_node: \"pve01\"}' | curl_utils/proxmox/vms/list.sh - # the body from standard input
```

| variable | default | meaning |
| --- | --- | --- |
| `BASE_URL` | `http://127.0.0.1:8000` | the service, or the gateway in front |
| `API_TOKEN` | none | an API token or a JWT, sent as `Authorization: Bearer` |
| `API_KEY` | none | sent as `apikey`, for a gateway that asks for one |
| `NAME` | `ping`, `hello_range` | the bundle or scenario of `run/*/name/run.sh` |

The exit status is 22 when the reply is an error; it is printed all the same. Body, token and key reach curl through pipes, so other
users of the machine do not see them in its arguments.
";

/// The files by their paths below `curl_utils/`. All except for `README.md` are scripts.
#[must_use]
pub fn curl_utils() -> BTreeMap<String, String> {
    let scripts = rows::all().map(|route| (file(route.path), script(route)));
    scripts.chain([("README.md".to_owned(), README.to_owned())]).collect()
}

fn file(path: &str) -> String {
    let path = path.strip_prefix(PREFIX).unwrap_or(path);
    format!("{}.sh", path.replace("//", "/").replace(['{', '}'], ""))
}

fn script(route: &Route) -> String {
    let (method, path, summary) = (route.method.as_str(), route.path, route.summary);
    let permission = route.access.role().map_or("", model::Role::as_str);
    let has_body = !route.fields.is_empty();
    let mut text = format!("#!/bin/sh\n# {summary}\n#\n# {method} {path} (permission: {permission})\n#\n");
    if has_body {
        text.push_str(
            "#   [BASE_URL=URL] [API_TOKEN=TOKEN] [API_KEY=KEY] SCRIPT [BODY]    a BODY of `-` is read from standard input\n",
        );
    } else {
        text.push_str("#   [BASE_URL=URL] [API_TOKEN=TOKEN] [API_KEY=KEY] SCRIPT\n");
    }
    text.push_str("set -eu\n\n");
    if has_body {
        let example = format!("{:#}", field_schema::example(route)).replace('\'', "'\\''");
        text.push_str(&format!(
            "body='{example}'\n[ $# -eq 0 ] || body=$1\n[ \"$body\" != - ] || body=$(cat)\n\n"
        ));
        text.push_str("printf '%s' \"$body\" | ");
    }
    text.push_str(&format!("curl -sS --fail-with-body --globoff -X {method} -K /dev/fd/3 \\\n"));
    if has_body {
        text.push_str("  -H 'content-type: application/json' --data-binary @- \\\n");
    }
    let name = if path.contains("/scenarios/") { "hello_range" } else { "ping" };
    let path = path.replace("{name}", &format!("${{NAME:-{name}}}"));
    text.push_str(&format!(
        "  \"${{BASE_URL:-http://127.0.0.1:8000}}{path}\" 3<<KEY\n${{API_TOKEN:+header = \"authorization: Bearer $API_TOKEN\"}}\n${{API_KEY:+header = \"apikey: $API_KEY\"}}\nKEY\necho\n"
    ));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_a_script_of_its_own() {
        assert_eq!(curl_utils().len(), rows::all().count() + 1);
    }
}
