//! Version 1: our own interface. Typed requests, one function per verb, problem documents.

mod catalog;
mod events;
mod fields;
mod job_request;
mod job_view;
mod jobs;
mod log;
mod query;
mod stream;

use actix_web::{
    HttpRequest,
    http::StatusCode,
    web::{self, ServiceConfig},
};

use super::problem::Problem;

pub(super) fn routes(config: &mut ServiceConfig) {
    config.service(
        web::scope("/v1")
            .app_data(
                web::PathConfig::default().error_handler(|error, request| bad_path(&error, request).into()),
            )
            .configure(jobs::routes)
            .configure(events::routes)
            .configure(log::routes)
            .configure(catalog::routes)
            .default_service(web::to(unknown_path)),
    );
}

async fn unknown_path(request: HttpRequest) -> Result<&'static str, Problem> {
    let detail = format!("there is no `{}`", request.path().escape_debug());
    Err(Problem::new(StatusCode::NOT_FOUND, "unknown_path", detail))
}

fn bad_path(error: &actix_web::error::PathError, _request: &HttpRequest) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "bad_path", format!("the path cannot be read: {error}"))
}
