//! `/v1/jobs/{id}/timing`: the durations of tasks and hosts.

use super::{
    job::{BAD_QUERY, JOB_ID, TAG, UNKNOWN_JOB, job_id},
    query::Parameters,
    view,
};
use crate::http::{
    api::Api,
    endpoint::{Access, Doc, Endpoint, Reply, Schemas, Verb},
    problem::Problem,
};
use actix_web::{
    HttpResponse,
    web::{Data, Path},
};

pub(super) fn endpoint() -> Endpoint {
    let about = "Of the last attempt so far";
    let doc = Doc::new("show_timing", TAG, "Shows how long tasks and hosts took.")
        .parameters([JOB_ID])
        .replies([Reply::json(200, about, Schemas::of::<api::Timing>)])
        .problems([UNKNOWN_JOB, BAD_QUERY]);
    Endpoint::new(Verb::Get, "/v1/jobs/{id}/timing", Access::VIEWER, show, doc).job("id")
}

/// The durations of the last run, up to now.
async fn show(api: Data<Api>, id: Path<String>, query: Parameters) -> Result<HttpResponse, Problem> {
    query.only_known()?;
    let timing = api.engine.progress().timing(job_id(&id)?).await?;
    Ok(HttpResponse::Ok().json(view::timing(&timing)))
}
