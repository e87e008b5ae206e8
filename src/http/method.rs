//! Resources that know which methods they have.

use actix_web::{Resource, http::StatusCode, web};

use super::problem::Problem;

/// A resource of v1; any other method is answered with those that are allowed.
pub(crate) fn resource(path: &str, methods: &'static str) -> Resource {
    web::resource(path).default_service(web::to(move || async move {
        let detail = format!("this resource has no such method: use {methods}");
        Err::<&str, _>(
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail).allow(methods),
        )
    }))
}
