//! Version 0: speaks like the service that it replaces, down to its error texts.
//!
//! A route is a row ([`route::Route`]); one machine checks, plans, submits, waits and answers for all of them.
//! Every call is a job like any other; its id comes back in `X-Rangehand-Job`. Where the reference service was
//! wrong or unsafe we answer differently on purpose: see `docs/v0.md`.

mod check;
mod direct;
mod endpoints;
mod field;
pub(in crate::http) mod field_schema;
#[cfg(test)]
mod fuzz;
mod machine;
mod plan;
mod python;
mod refusal;
pub(in crate::http) mod reply;
pub(in crate::http) mod route;
pub(in crate::http) mod rows;

pub(in crate::http) use endpoints::endpoints;
pub(in crate::http) use refusal::Refusal;
pub(in crate::http) use reply::JOB_HEADER;

use actix_web::{
    HttpRequest, HttpResponse, ResponseError,
    http::{StatusCode, header},
};

/// What FastAPI answers to a path it does not know: a path that is known without its last slash is redirected to.
pub(super) async fn unknown_path(request: HttpRequest) -> HttpResponse {
    let path = request.path();
    match path.strip_suffix('/').filter(|path| machine::knows(path)) {
        Some(path) => {
            let query = request.query_string();
            let target = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
            // A path alone: the host of the request may be anybody's.
            HttpResponse::TemporaryRedirect().insert_header((header::LOCATION, target)).finish()
        }
        None => Refusal::new(StatusCode::NOT_FOUND, "Not Found").error_response(),
    }
}
