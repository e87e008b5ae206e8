//! Resources that know which methods they have.

use actix_web::{Resource, web};

use super::problem::Problem;

/// A resource of v1; any other method is answered with those that are allowed.
pub(crate) fn resource(path: &str, methods: &'static str) -> Resource {
    web::resource(path)
        .default_service(web::to(move || async move { Err::<&str, _>(Problem::wrong_method(methods)) }))
}
