//! Version 1: our own interface. Typed requests, one function per verb, problem documents.

mod all_events;
mod artifacts;
mod catalog;
mod events;
mod fields;
mod job_request;
mod job_view;
mod jobs;
mod log;
mod query;
mod queue;
mod resume;
mod stream;
mod timing;

use actix_web::{
    Error, HttpRequest,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
    middleware::{Next, from_fn},
    web::{self, Data, ServiceConfig},
};

use super::{Api, problem::Problem};

pub(super) fn routes(config: &mut ServiceConfig) {
    config.service(
        web::scope("/v1")
            .wrap(from_fn(only_known_origins))
            .app_data(
                web::PathConfig::default().error_handler(|error, request| bad_path(&error, request).into()),
            )
            .configure(jobs::routes)
            .configure(events::routes)
            .configure(all_events::routes)
            .configure(log::routes)
            .configure(catalog::routes)
            .configure(queue::routes)
            .configure(resume::routes)
            .configure(timing::routes)
            .configure(artifacts::routes)
            .default_service(web::to(unknown_path)),
    );
}

/// A page of an unknown origin may not make a browser send anything: CORS alone would only hide the answer.
///
/// Programs send no `Origin`.
pub(super) async fn only_known_origins(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let allowed = |api: &Api, origin: &HeaderValue| {
        origin.to_str().is_ok_and(|origin| api.options.origins.allows(origin))
    };
    let api = request.app_data::<Data<Api>>();
    let refused = match (request.headers().get(header::ORIGIN), api) {
        (Some(origin), Some(api)) => !allowed(api, origin),
        (Some(_), None) => true,
        (None, _) => false,
    };
    if refused {
        let problem =
            Problem::new(StatusCode::FORBIDDEN, "origin_not_allowed", "pages of this origin may not call")
                .hint("`server.cors_origin_regex` says which may");
        return Err(problem.into());
    }
    next.call(request).await
}

async fn unknown_path(request: HttpRequest) -> Result<&'static str, Problem> {
    let detail = format!("there is no `{}`", request.path().escape_debug());
    Err(Problem::new(StatusCode::NOT_FOUND, "unknown_path", detail))
}

fn bad_path(error: &actix_web::error::PathError, _request: &HttpRequest) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "bad_path", format!("the path cannot be read: {error}"))
}
