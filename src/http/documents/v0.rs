//! Operations of v0, from its rows.

use serde_json::{Map, Value, json};

use super::{
    field_schema,
    operation::{Operation, response},
};
use crate::http::v0::{
    route::{Named, Plan, Reply, Route, Verb},
    rows,
};

/// One for each spelling of each row.
pub(super) fn operations() -> impl Iterator<Item = Operation> {
    rows::all().flat_map(|route| {
        let spelling = |(at, (method, path)): (usize, (Verb, &'static str))| Operation {
            method: method.as_str(),
            path,
            id: id(route, at),
            summary: route.summary,
            about: about(route, at),
            tag: route.tag,
            permission: Some(route.permission),
            parameters: parameters(path, route),
            body: body(route),
            responses: responses(route),
            streams: false,
        };
        route.spellings().enumerate().map(spelling)
    })
}

fn id(route: &Route, spelling: usize) -> String {
    match spelling {
        0 => route.operation.to_owned(),
        number => format!("{}_spelling_{}", route.operation, number + 1),
    }
}

fn about(route: &Route, spelling: usize) -> String {
    let mut sentences = Vec::new();
    if spelling > 0 {
        sentences.push(format!("Another spelling of `{} {}`.", route.method.as_str(), route.path));
    }
    sentences.push(match &route.plan {
        Plan::Ping => "Runs the playbook `ping`.".to_owned(),
        Plan::Named(Named::Bundle) => "Runs the bundle that the path names.".to_owned(),
        Plan::Named(Named::Scenario) => "Runs the scenario that the path names.".to_owned(),
        Plan::Action { action, .. } => format!("Runs the action `{action}`."),
        Plan::Bundle { bundle, .. } => format!("Runs the bundle `{bundle}`."),
        Plan::CreateMachines { bundle, .. } => format!("Runs the bundle `{bundle}` and its `init.yml`."),
        Plan::Find { .. } => "Runs the action `vm_list`.".to_owned(),
    });
    if !route.locks.is_empty() {
        sentences.push("Waits for other calls that change the same machine.".to_owned());
    }
    sentences.join(" ")
}

fn parameters(path: &str, route: &Route) -> Vec<Value> {
    if !path.contains("{name}") {
        return Vec::new();
    }
    let content = match route.plan {
        Plan::Named(Named::Scenario) => "scenario",
        _ => "bundle",
    };
    vec![super::operation::name_parameter(content)]
}

fn body(route: &Route) -> Option<Value> {
    (!route.fields.is_empty()).then(|| {
        json!({
            "required": true,
            "content": { "application/json": {
                "schema": field_schema::body(route),
                "example": field_schema::example(route),
            } },
        })
    })
}

fn responses(route: &Route) -> Map<String, Value> {
    let has_body = !route.fields.is_empty();
    let has_both_forms = route.fields.iter().any(|field| field.name == "as_json");
    let (good, bad) = match route.reply {
        Reply::Results(_) if has_both_forms => ("V0Result", "V0ResultFailed"),
        Reply::Results(_) | Reply::Log => ("V0Log", "V0LogFailed"),
        Reply::Null => ("V0Null", "V0Failed"),
    };
    let by_content = match route.plan {
        Plan::Named(_) | Plan::Bundle { .. } | Plan::CreateMachines { .. } => Some("V0NotFound"),
        Plan::Ping | Plan::Action { .. } | Plan::Find { .. } => None,
    };
    let of_body = |name| has_body.then_some(name);
    [
        ("200", Some(good)),
        ("400", Some("V0BadRequest")),
        ("404", by_content),
        ("413", of_body("V0TooLong")),
        ("415", of_body("V0NotJson")),
        ("422", of_body("V0Unprocessable")),
        ("500", Some(bad)),
        ("503", Some("V0Stopping")),
    ]
    .into_iter()
    .filter_map(|(status, name)| Some((status.to_owned(), response(name?))))
    .collect()
}
