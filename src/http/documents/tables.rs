//! Tables for people: all routes of v0 for its document, all routes for the command line.

use std::fmt::Write as _;

use super::operation;
use crate::http::v0::{
    route::{Plan, Reply, Route},
    rows,
};

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
            route.permission.as_str(),
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

/// All routes, one per line: method, path, permission, summary.
#[must_use]
pub fn route_table() -> String {
    let routes = operation::routes();
    let widest = routes.iter().map(|route| route.path.len()).max().unwrap_or(0);
    let mut text = String::new();
    for route in routes {
        let permission = route.permission.unwrap_or("anybody");
        let _ =
            writeln!(text, "{:6}  {:widest$}  {permission:8}  {}", route.method, route.path, route.summary);
    }
    text
}
