//! `/v1/jobs/{id}/timing`: how long tasks and hosts took.

use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use serde_json::json;

use super::{
    job::{BAD_QUERY, JOB_ID, TAG, UNKNOWN_JOB, job_id},
    query::Parameters,
};
use crate::http::{
    Api,
    endpoint::{Access, Doc, Endpoint, Reply, Verb},
    problem::Problem,
};

/// How many of the slowest tasks are shown.
const SLOWEST: usize = 10;

pub(super) fn endpoint() -> Endpoint {
    let about = "Of the last attempt, as far as it has come";
    let doc = Doc::new("show_timing", TAG, "Shows how long tasks and hosts took.")
        .parameters([JOB_ID])
        .replies([Reply::json(200, about, |schemas| schemas.named("Timing"))])
        .problems([UNKNOWN_JOB, BAD_QUERY]);
    Endpoint::new(Verb::Get, "/v1/jobs/{id}/timing", Access::VIEWER, show, doc).job("id")
}

/// Of the last run, as far as it has come.
async fn show(api: Data<Api>, id: Path<String>, query: Parameters) -> Result<HttpResponse, Problem> {
    query.only_known()?;
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
