//! `/v1/jobs/{id}/events`: the numbered record of a job, by pages or as a stream.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{self, Data, Path, ServiceConfig},
};
use engine::EventQuery;
use serde_json::json;

use super::{
    jobs::job_id,
    query::{self, Parameters},
    stream::{self, Framing},
};
use crate::http::{Api, method::resource, problem::Problem};

pub(super) fn routes(config: &mut ServiceConfig) {
    config.service(resource("/jobs/{id}/events", "GET").route(web::get().to(events)));
}

async fn events(
    api: Data<Api>,
    id: Path<String>,
    query: Parameters,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    query::only(&query, &["after", "follow", "format", "limit"])?;
    let id = job_id(&id)?;
    let format = query::word(&query, "format", &["json", "sse", "ndjson"])?;
    let Some(framing) = Framing::wanted(&request, format) else { return page(&api, id, &query).await };
    let after = match last_event_id(&request) {
        // A reconnecting browser knows better than the address it was given at first.
        Some(seen) => seen,
        None => after(&query)?,
    };
    let follow = query::flag(&query, "follow")?.unwrap_or(framing == Framing::ServerSent);
    let following = api.engine.follow_job(id, after).await?;
    Ok(stream::response(following, framing, follow, api.shutdown.clone()))
}

/// The events after a number; `next` is the `after` of the page after this one, `null` at the end for now.
async fn page(api: &Api, id: model::JobId, query: &Parameters) -> Result<HttpResponse, Problem> {
    let limit = query::number(query, "limit", 1..=1000)?.unwrap_or(100);
    let events = api.engine.events(id, &EventQuery::after(after(query)?, limit)).await?;
    let is_full = u32::try_from(events.len()).is_ok_and(|found| found == limit);
    let next = events.last().filter(|_| is_full).map(|event| event.seq);
    Ok(HttpResponse::Ok().json(json!({ "items": events, "next": next })))
}

fn after(query: &Parameters) -> Result<u64, Problem> {
    let after = query::number(query, "after", 0..=i64::MAX)?.unwrap_or(0);
    Ok(u64::try_from(after).unwrap_or(0))
}

fn last_event_id(request: &HttpRequest) -> Option<u64> {
    request.headers().get("last-event-id")?.to_str().ok()?.parse().ok()
}
