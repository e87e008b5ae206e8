//! API version 0: compatible with the service that it replaces, including its error texts.
//!
//! A route is a row ([`route::Route`]), and `machine.rs` implements all rows. Every request creates a regular job,
//! whose ID is returned in `X-Rangehand-Job`. Where the reference service was wrong or unsafe, v0 deliberately
//! differs: see `docs/v0.md`.

mod check;
mod direct;
mod endpoints;
mod error_reply;
mod fault;
mod field;
pub(in crate::http) mod field_schema;
#[cfg(test)]
mod fuzz;
mod machine;
mod plan;
mod python;
pub(in crate::http) mod reply;
pub(in crate::http) mod route;
pub(in crate::http) mod rows;

pub(in crate::http) use endpoints::endpoints;
pub(in crate::http) use error_reply::ErrorReply;
pub(in crate::http) use reply::JOB_HEADER;

use actix_web::{
    HttpRequest, HttpResponse, ResponseError,
    http::{StatusCode, header},
};

/// The response of FastAPI to an unknown path. If the path exists without its trailing slash, it is a redirect.
pub(super) async fn unknown_path(request: HttpRequest) -> HttpResponse {
    let path = request.path();
    match path.strip_suffix('/').filter(|path| machine::knows(path)) {
        Some(path) => {
            let query = request.query_string();
            let target = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
            // Redirects to a path without a host, because the host name of the request is not trusted.
            HttpResponse::TemporaryRedirect().insert_header((header::LOCATION, target)).finish()
        }
        None => ErrorReply::new(StatusCode::NOT_FOUND, "Not Found").error_response(),
    }
}
