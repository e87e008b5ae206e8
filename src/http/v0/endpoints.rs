//! The endpoints of v0: one for each path variant of each row.

use actix_web::{
    HttpRequest,
    web::{self, Data},
};

use super::{
    field_schema, machine,
    route::{Named, Plan, Reply as Answer, Route},
    rows,
};
use crate::http::{
    api::Api,
    body::Body,
    endpoint::{self, Access, Doc, Effect, Endpoint, Parameter, Reply, Verb},
};

pub(in crate::http) fn endpoints() -> Vec<Endpoint> {
    rows::all()
        .flat_map(|route| {
            let spelling = move |(at, (verb, path))| endpoint(route, at, verb, path);
            route.spellings().enumerate().map(spelling)
        })
        .collect()
}

fn endpoint(route: &'static Route, at: usize, verb: Verb, path: &'static str) -> Endpoint {
    let handler = move |api: Data<Api>, name: Option<web::Path<String>>, request: HttpRequest, body: Body| async move {
        machine::answer(&api, route, name.as_deref().map(String::as_str), &request, body).await
    };
    let mut doc = Doc::new(operation(route, at), route.tag, route.summary)
        .about(about(route, at))
        .parameters(parameters(path, route))
        .replies(replies(route));
    if !route.fields.is_empty() {
        let schema = |_: &mut _| field_schema::body(route);
        doc = doc.body(endpoint::Body::new(schema, || field_schema::example(route)));
    }
    // Requests that a viewer can send are reads, but start a job when Proxmox can't be read directly.
    let effect = if route.access == Access::VIEWER { Effect::MayStartJob } else { Effect::Change };
    Endpoint::new(verb, path.replace("{name}", "{name:.+}"), route.access, handler, doc)
        .effect(effect)
        .any_origin()
}

fn operation(route: &Route, spelling: usize) -> String {
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

fn parameters(path: &str, route: &Route) -> Option<Parameter> {
    let content = match route.plan {
        Plan::Named(Named::Scenario) => "scenario",
        _ => "bundle",
    };
    path.contains("{name}").then(|| Parameter::content_name(content))
}

fn replies(route: &Route) -> impl Iterator<Item = Reply> {
    let has_body = !route.fields.is_empty();
    let has_both_forms = route.fields.iter().any(|field| field.name == "as_json");
    let (good, bad) = match route.reply {
        Answer::Results(_) if has_both_forms => ("V0Result", "V0ResultFailed"),
        Answer::Results(_) | Answer::Log => ("V0Log", "V0LogFailed"),
        Answer::Null => ("V0Null", "V0Failed"),
    };
    let by_content = match route.plan {
        Plan::Named(_) | Plan::Bundle { .. } | Plan::CreateMachines { .. } => Some("V0NotFound"),
        Plan::Ping | Plan::Action { .. } | Plan::Find { .. } => None,
    };
    let of_body = |name| has_body.then_some(name);
    [
        (200, Some(good)),
        (400, Some("V0BadRequest")),
        (401, Some("V0Unknown")),
        (403, Some("V0Forbidden")),
        (404, by_content),
        (413, of_body("V0TooLong")),
        (415, of_body("V0NotJson")),
        (422, of_body("V0Unprocessable")),
        (429, Some("V0TooMany")),
        (500, Some(bad)),
        (503, Some("V0Stopping")),
    ]
    .into_iter()
    .filter_map(|(status, name)| Some(Reply::Shared(status, name?)))
}
