//! `/v1/jobs/{id}/timing`: how long tasks and hosts took.

use actix_web::{
    HttpResponse,
    web::{self, Data, Path, ServiceConfig},
};
use serde_json::json;

use super::{
    jobs::job_id,
    query::{self, Parameters},
};
use crate::http::{Api, method::resource, problem::Problem};

/// How many of the slowest tasks are shown.
const SLOWEST: usize = 10;

pub(super) fn routes(config: &mut ServiceConfig) {
    config.service(resource("/jobs/{id}/timing", "GET").route(web::get().to(show)));
}

/// Of the last run, as far as it has come.
async fn show(api: Data<Api>, id: Path<String>, query: Parameters) -> Result<HttpResponse, Problem> {
    query::only(&query, &[])?;
    let timing = api.engine.timing(job_id(&id)?).await?;
    let totals = timing.totals();
    Ok(HttpResponse::Ok().json(json!({
        "tasks": timing.tasks(),
        "tasks_left_out": timing.tasks_left_out(),
        "slowest": timing.slowest(SLOWEST),
        "hosts": timing.hosts(),
        "changed": totals.changed,
        "ignored": totals.ignored,
        "rescued": totals.rescued,
    })))
}
