//! Is the service alive, and can it work?

use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{self, Data, ServiceConfig},
};
use serde_json::json;

use super::{Api, method::resource};
use crate::doctor::{self, Check, Status};

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(
            resource("/healthz", "GET, HEAD").route(web::get().to(healthz)).route(web::head().to(healthz)),
        )
        .service(resource("/readyz", "GET, HEAD").route(web::get().to(readyz)).route(web::head().to(readyz)));
}

/// The service answers: that is all this says.
async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "ok" }))
}

/// The store answers and Ansible can be started; otherwise 503, and what to do.
async fn readyz(api: Data<Api>) -> HttpResponse {
    let mut checks = doctor::check_ansible(&api.engine.options().toolchain).await;
    checks.push(store_check(&api).await);
    let ready = checks.iter().all(|check| check.status != Status::Fail);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let word = if ready { "ready" } else { "not_ready" };
    HttpResponse::build(status).json(json!({ "status": word, "checks": checks }))
}

async fn store_check(api: &Api) -> Check {
    match api.engine.check_store().await {
        Ok(()) => Check::ok("store", "answers"),
        Err(error) => Check::fail("store", error.to_string(), "the service's log has the cause"),
    }
}
