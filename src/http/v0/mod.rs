//! Version 0: speaks like the service that it replaces, down to its error texts.
//!
//! Every call is a job like any other; its id comes back in `X-Rangehand-Job`. If the client leaves, the job
//! goes on. Where the reference service was wrong or unsafe we answer differently on purpose: names are
//! checked segment by segment, `hosts` is never an option, a run that matched no host is no success.

mod fields;
mod python;
mod refusal;
mod reply;
mod run;

use actix_web::{
    Resource,
    http::StatusCode,
    web::{self, ServiceConfig},
};

use refusal::Refusal;

pub(super) fn routes(config: &mut ServiceConfig) {
    run::routes(config);
}

/// What FastAPI answers to a path it does not know.
pub(super) async fn unknown_path() -> Result<&'static str, Refusal> {
    Err(Refusal::new(StatusCode::NOT_FOUND, "Not Found"))
}

/// A resource of v0 that takes POST.
fn resource(path: &str) -> Resource {
    web::resource(path).default_service(web::to(|| async { Err::<&str, _>(Refusal::wrong_method("POST")) }))
}
