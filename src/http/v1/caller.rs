//! `/v1/caller`: the identity and the role of the caller.

use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use model::Role;

use super::{job::BAD_QUERY, query::Parameters};
use crate::http::{
    access::Caller,
    endpoint::{Access, Doc, Endpoint, Reply, Schemas, Verb},
    health,
    problem::Problem,
};

pub(super) fn endpoint() -> Endpoint {
    let doc = Doc::new("show_caller", health::TAG, "Shows the name and the role of the caller.")
        .replies([Reply::json(200, "The caller", Schemas::of::<api::Caller>)])
        .problems([BAD_QUERY]);
    Endpoint::new(Verb::Get, "/v1/caller", Access::VIEWER, show, doc)
}

async fn show(query: Parameters, request: HttpRequest) -> Result<HttpResponse, Problem> {
    query.only_known()?;
    let extensions = request.extensions();
    let caller = extensions.get::<Caller>();
    let role = match caller.map(|caller| caller.role) {
        Some(Role::Admin) => api::CallerRole::Admin,
        Some(Role::Operator) => api::CallerRole::Operator,
        // The endpoint requires at least this role.
        Some(Role::Viewer) | None => api::CallerRole::Viewer,
    };
    let name = caller.and_then(Caller::known_name).map(str::to_owned);
    Ok(HttpResponse::Ok().json(api::Caller { name, role, version: env!("CARGO_PKG_VERSION").to_owned() }))
}
