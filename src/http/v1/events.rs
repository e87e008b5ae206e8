//! `/v1/jobs/{id}/events`: the numbered record of a job, by pages.

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

pub(super) fn routes(config: &mut ServiceConfig) {
    config.service(resource("/jobs/{id}/events", "GET").route(web::get().to(page)));
}

/// The events after a number; `next` is the `after` of the page after this one, `null` at the end for now.
async fn page(api: Data<Api>, id: Path<String>, query: Parameters) -> Result<HttpResponse, Problem> {
    let id = job_id(&id)?;
    query::only(&query, &["after", "limit"])?;
    let after = query::number(&query, "after", 0..=i64::MAX)?.unwrap_or(0);
    let limit = query::number(&query, "limit", 1..=1000)?.unwrap_or(100);
    let events = api.engine.events(id, u64::try_from(after).unwrap_or(0), limit).await?;
    let is_full = u32::try_from(events.len()).is_ok_and(|found| found == limit);
    let next = events.last().filter(|_| is_full).map(|event| event.seq);
    Ok(HttpResponse::Ok().json(json!({ "items": events, "next": next })))
}
