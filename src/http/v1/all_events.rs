//! `/v1/events`: the events of all jobs in the order in which they were stored, by pages or as a stream.
//!
//! They are counted by position. Who knows the last position it has seen begins after it, also after a restart of
//! the service, and misses nothing.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{self, Data, ServiceConfig},
};
use engine::EventQuery;
use serde_json::json;

use super::{
    events::{Wanted, next},
    query::Parameters,
    stream::{self, PlacedView, Source},
};
use crate::http::{Api, method::resource, problem::Problem};

pub(super) fn routes(config: &mut ServiceConfig) {
    config.service(resource("/events", "GET").route(web::get().to(events)));
}

async fn events(api: Data<Api>, query: Parameters, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let wanted = Wanted::read(&request, &query, "events")?;
    let Some(sending) = wanted.sending else { return page(&api, &wanted.query).await };
    let seat = api.access.seat(&request, &api.shutdown)?;
    let following = Source::All(Box::new(api.engine.follow_all(wanted.query)));
    Ok(stream::response(following, sending, seat, &api.engine))
}

async fn page(api: &Api, query: &EventQuery) -> Result<HttpResponse, Problem> {
    let mut events = api.engine.all_events(query).await?;
    let next = next(&mut events, query).map(|(position, ..)| *position);
    let items: Vec<_> = events
        .iter()
        .map(|(position, job_id, event)| PlacedView { position: *position, job_id: *job_id, event })
        .collect();
    Ok(HttpResponse::Ok().json(json!({ "items": items, "next": next })))
}
