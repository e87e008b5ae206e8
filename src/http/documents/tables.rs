//! Tables of routes for the documentation and for the command line.

use std::fmt::Write as _;

use api::{FaultCode, ProblemCode};
use model::Role;
use serde::Serialize;

use crate::http::{
    endpoints,
    v0::{
        route::{Plan, Reply, Route},
        rows,
    },
};

/// An endpoint in the list of all endpoints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// The HTTP method.
    pub method: &'static str,
    /// The path, with `{name}` for each parameter.
    pub path: &'static str,
    /// Its name in OpenAPI.
    pub operation: &'static str,
    /// The required role; `None` if no authentication is required.
    pub permission: Option<&'static str>,
    /// A summary.
    pub summary: &'static str,
}

/// Every endpoint, in the order of the documents.
#[must_use]
pub fn routes() -> Vec<Listed> {
    let listed = endpoints().iter().map(|endpoint| Listed {
        method: endpoint.verb.as_str(),
        path: &endpoint.path,
        operation: &endpoint.doc.operation,
        permission: endpoint.access.role().map(Role::as_str),
        summary: endpoint.doc.summary,
    });
    listed.collect()
}

/// The table of `docs/v0.md`.
#[must_use]
pub fn v0_table() -> String {
    let mut text =
        String::from("| route | runs | permission | locks | answers |\n| --- | --- | --- | --- | --- |\n");
    for route in rows::all() {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} |",
            spellings(route),
            runs(&route.plan),
            route.access.role().map_or("", Role::as_str),
            route.locks.iter().map(|field| format!("`{field}`")).collect::<Vec<_>>().join(", "),
            answers(route),
        );
    }
    text
}

fn spellings(route: &Route) -> String {
    let spellings: Vec<_> =
        route.spellings().map(|(method, path)| format!("`{} {path}`", method.as_str())).collect();
    spellings.join(", also ")
}

fn runs(plan: &Plan) -> String {
    match plan {
        Plan::Ping => "playbook `ping`".to_owned(),
        Plan::Named(_) => "what the path names".to_owned(),
        Plan::Action { action, .. } => format!("action `{action}`"),
        Plan::Bundle { bundle, constant: Some((_, value)), .. } => {
            format!("bundle `{bundle}` with `{value}`")
        }
        Plan::Bundle { bundle, constant: None, .. } => format!("bundle `{bundle}`"),
        Plan::CreateMachines { bundle, .. } => {
            format!("bundle `{bundle}`, `init.yml` for each machine first")
        }
        Plan::Find { .. } => "action `vm_list`".to_owned(),
    }
}

fn answers(route: &Route) -> String {
    match route.reply {
        Reply::Log => "log".to_owned(),
        Reply::Results(key) => format!("`{key}`, or log"),
        Reply::Null => "`null`".to_owned(),
    }
}

/// The table of `docs/api.md`: every route except for those of v0, each with a link to its section.
#[must_use]
pub fn api_table() -> String {
    let mut text = String::from("| route | role | what it does |\n| --- | --- | --- |\n");
    for route in routes().iter().filter(|route| !route.path.starts_with("/v0/")) {
        let Listed { method, path, summary, .. } = route;
        let anchor: String =
            path.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).collect();
        let link = format!("[`{method} {path}`](#{}-{anchor})", method.to_ascii_lowercase());
        let _ = writeln!(text, "| {link} | {} | {summary} |", route.permission.unwrap_or("none"));
    }
    text
}

/// The table of problem codes in `docs/api.md`.
#[must_use]
pub fn problem_table() -> String {
    let mut text = String::from("| code | status | meaning |\n| --- | --- | --- |\n");
    for code in ProblemCode::ALL {
        let _ = writeln!(text, "| `{code}` | {} | {} |", code.status(), code.meaning());
    }
    text
}

/// The table of codes of faults in `docs/api.md`.
#[must_use]
pub fn fault_table() -> String {
    let mut text = String::from("| code | meaning |\n| --- | --- |\n");
    for code in FaultCode::ALL {
        let _ = writeln!(text, "| `{code}` | {} |", code.meaning());
    }
    text
}

/// All routes, one per line: method, path, permission, summary.
#[must_use]
pub fn route_table() -> String {
    let routes = routes();
    let widest = routes.iter().map(|route| route.path.len()).max().unwrap_or(0);
    let mut text = String::new();
    for route in routes {
        let permission = route.permission.unwrap_or("anybody");
        let _ =
            writeln!(text, "{:6}  {:widest$}  {permission:8}  {}", route.method, route.path, route.summary);
    }
    text
}
