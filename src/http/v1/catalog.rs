//! `/v1/catalog`: playbooks, bundles, scenarios, inventories, and projects.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path},
};
use model::{ContentKind, ContentName, ContentRef, ProjectName};

use super::{
    job_request::{bad_name, bad_project},
    query::Parameters,
    view,
};
use crate::http::{
    api::Api,
    endpoint::{Access, Doc, Endpoint, Parameter, Reply, Schemas, Verb},
    problem::{Problem, ProblemCode},
};

const TAG: &str = "catalog";

const PROJECT: Parameter =
    Parameter::query("project", Schemas::of::<api::ProjectName>, "The project whose content it is");

pub(super) fn endpoints() -> Vec<Endpoint> {
    use ContentKind::{Bundle, Inventory, Playbook, Scenario};
    vec![
        list_of(Playbook, "/v1/catalog/playbooks", "list_playbooks", "Lists the playbooks."),
        list_of(Bundle, "/v1/catalog/bundles", "list_bundles", "Lists the bundles."),
        list_of(Scenario, "/v1/catalog/scenarios", "list_scenarios", "Lists the scenarios."),
        list_of(Inventory, "/v1/catalog/inventories", "list_inventories", "Lists the inventories."),
        one_of(
            Playbook,
            "/v1/catalog/playbooks/{name:.*}",
            Doc::new("show_playbook", TAG, "Describes a playbook."),
            ProblemCode::UnknownPlaybook,
        ),
        one_of(
            Bundle,
            "/v1/catalog/bundles/{name:.*}",
            Doc::new("show_bundle", TAG, "Describes a bundle."),
            ProblemCode::UnknownBundle,
        ),
        one_of(
            Scenario,
            "/v1/catalog/scenarios/{name:.*}",
            Doc::new("show_scenario", TAG, "Describes a scenario."),
            ProblemCode::UnknownScenario,
        ),
        one_of(
            Inventory,
            "/v1/catalog/inventories/{name:.*}",
            Doc::new("show_inventory", TAG, "Describes an inventory."),
            ProblemCode::UnknownInventory,
        ),
    ]
}

fn list_of(
    kind: ContentKind,
    path: &'static str,
    operation: &'static str,
    summary: &'static str,
) -> Endpoint {
    let doc = Doc::new(operation, TAG, summary)
        .about("Nothing is cached: the disk is the truth.")
        .parameters([PROJECT])
        .replies([Reply::json(200, "All of them, sorted by name", Schemas::of::<api::CatalogPage>)])
        .problems([
            (ProblemCode::BadName, "the project has no such name"),
            (ProblemCode::UnknownProject, ""),
            (ProblemCode::InvalidRequest, "a parameter that is unknown"),
        ]);
    let handler = move |api: Data<Api>, query: Parameters| list(api, kind, query);
    Endpoint::new(Verb::Get, path, Access::VIEWER, handler, doc)
}

fn one_of(kind: ContentKind, path: &'static str, doc: Doc, unknown: ProblemCode) -> Endpoint {
    let (about, reply) = match kind {
        ContentKind::Playbook | ContentKind::Bundle | ContentKind::Scenario => (
            "Runs Ansible, which takes about a second. The inspection is recorded in the audit log.",
            Reply::json(200, "Its plays and missing parts", Schemas::of::<api::Content>),
        ),
        ContentKind::Inventory => (
            "Runs Ansible. A program is executed for this only if a setting names it and the caller may run playbooks.",
            Reply::json(200, "Its groups and hosts, never a variable", Schemas::of::<api::Inventory>),
        ),
    };
    let doc = doc
        .about(about)
        .parameters([Parameter::content_name("piece of content"), PROJECT])
        .replies([reply])
        .problems([
            (ProblemCode::BadName, ""),
            (ProblemCode::LeavesRoot, "a link leads out of its root"),
            (unknown, ""),
            (ProblemCode::UnknownProject, ""),
            (ProblemCode::InvalidRequest, "a parameter that is unknown"),
            (ProblemCode::InspectionLimit, "Ansible used more than it may, and was terminated"),
            (ProblemCode::InspectionTimeout, "Ansible took longer than it may, and was terminated"),
            (ProblemCode::AuditUnavailable, ""),
            (ProblemCode::InspectionsBusy, ""),
        ]);
    let handler = move |api: Data<Api>, name: Path<String>, query: Parameters, request: HttpRequest| {
        show(api, kind, name, query, request)
    };
    Endpoint::new(Verb::Get, path, Access::VIEWER, handler, doc)
}

async fn list(api: Data<Api>, kind: ContentKind, query: Parameters) -> Result<HttpResponse, Problem> {
    let project = project(&query)?;
    let entries = api.engine.catalog().list(project.as_ref(), kind).await?;
    let items = entries.into_iter().map(view::entry).collect();
    Ok(HttpResponse::Ok().json(api::CatalogPage { items, next: () }))
}

/// Reads `?project=NAME`, the project of the content.
fn project(query: &Parameters) -> Result<Option<ProjectName>, Problem> {
    query.only_known()?;
    query.get("project").map(|name| name.parse().map_err(|error| bad_project(&error))).transpose()
}

/// The tasks and the missing requirements of content, or the groups and hosts of an inventory. This runs Ansible,
/// which takes about a second.
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
            let shown = api.engine.inspections().inventory(&by, project, &name).await?;
            return Ok(HttpResponse::Ok().json(view::inventory(shown)));
        }
    };
    Ok(HttpResponse::Ok()
        .json(view::content(api.engine.inspections().content(&by, project, &content).await?)))
}
