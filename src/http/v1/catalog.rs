//! `/v1/catalog`: what there is to run, and against what.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{self, Data, Path, ServiceConfig},
};
use model::{ContentKind, ContentName, ContentRef, ProjectName};
use serde_json::json;

use super::{
    job_request::{bad_name, bad_project},
    query::{self, Parameters},
};
use crate::http::{Api, method::resource, problem::Problem};

/// The lists, by the word in their path.
const LISTS: &[(&str, &str, ContentKind)] = &[
    ("/catalog/playbooks", "/catalog/playbooks/{name:.*}", ContentKind::Playbook),
    ("/catalog/bundles", "/catalog/bundles/{name:.*}", ContentKind::Bundle),
    ("/catalog/scenarios", "/catalog/scenarios/{name:.*}", ContentKind::Scenario),
    ("/catalog/inventories", "/catalog/inventories/{name:.*}", ContentKind::Inventory),
];

pub(super) fn routes(config: &mut ServiceConfig) {
    for &(all, one, kind) in LISTS {
        config
            .service(
                resource(all, "GET")
                    .route(web::get().to(move |api: Data<Api>, query: Parameters| list(api, kind, query))),
            )
            .service(resource(one, "GET").route(web::get().to(
                move |api: Data<Api>, name: Path<String>, query: Parameters, request: HttpRequest| {
                    show(api, kind, name, query, request)
                },
            )));
    }
}

async fn list(api: Data<Api>, kind: ContentKind, query: Parameters) -> Result<HttpResponse, Problem> {
    let project = project(&query)?;
    let entries = api.engine.list_content(project.as_ref(), kind).await?;
    Ok(HttpResponse::Ok().json(json!({ "items": entries, "next": null })))
}

/// `?project=NAME`: whose content it is.
fn project(query: &Parameters) -> Result<Option<ProjectName>, Problem> {
    query::only(query, &["project"])?;
    query.get("project").map(|name| name.parse().map_err(|error| bad_project(&error))).transpose()
}

/// What it would do and what it lacks, for an inventory its groups and hosts. Asks Ansible: takes a second.
async fn show(
    api: Data<Api>,
    kind: ContentKind,
    name: Path<String>,
    query: Parameters,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let project = project(&query)?;
    let project = project.as_ref();
    let by = api.on_behalf(&request)?;
    let name: ContentName = name.parse().map_err(|error| bad_name("name", &error))?;
    let content = match kind {
        ContentKind::Playbook => ContentRef::Playbook(name),
        ContentKind::Bundle => ContentRef::Bundle(name),
        ContentKind::Scenario => ContentRef::Scenario(name),
        ContentKind::Inventory => {
            let shown = api.engine.inspect_inventory(&by, project, &name).await?;
            return Ok(HttpResponse::Ok().json(shown));
        }
    };
    Ok(HttpResponse::Ok().json(api.engine.inspect_content(&by, project, &content).await?))
}
