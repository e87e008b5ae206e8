//! `/v1/events`: the events of all jobs in the order in which they were stored, as pages or as a stream.
//!
//! Events are numbered by position. A client that continues after the last position that it has received misses
//! nothing, even across restarts of the service.

use actix_web::{HttpRequest, HttpResponse, web::Data};
use engine::EventQuery;

use super::{
    events::{EventsRequest, TAG, events_reply, next, parameters},
    job::BAD_QUERY,
    query::Parameters,
    stream::{self, Source},
    view,
};
use crate::http::{
    api::Api,
    endpoint::{Access, Doc, Endpoint, Schemas, Verb},
    problem::Problem,
};

pub(super) fn endpoint() -> Endpoint {
    let summary = "Returns the events of all jobs in the order in which they were stored.";
    let about = "Like the events of one job, but numbers are positions over all jobs, and a stream that follows has no end.";
    let doc = Doc::new("all_events", TAG, summary)
        .about(about)
        .parameters(parameters())
        .replies([events_reply(Schemas::of::<api::PlacedEventPage>)])
        .problems([BAD_QUERY])
        .streams();
    Endpoint::new(Verb::Get, "/v1/events", Access::VIEWER, events, doc)
}

async fn events(api: Data<Api>, query: Parameters, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let mut wanted = EventsRequest::read(&request, &query, "events")?;
    if wanted.from_latest {
        wanted.query.after = api.engine.events().last_position().await?;
    }
    let Some(sending) = wanted.sending else { return page(&api, &wanted.query).await };
    let slot = api.guard.slot(&request, &api.shutdown)?;
    let following = Source::All(Box::new(api.engine.events().follow_all(wanted.query)));
    Ok(stream::response(following, sending, slot, &api.engine))
}

async fn page(api: &Api, query: &EventQuery) -> Result<HttpResponse, Problem> {
    let mut events = api.engine.events().list_all(query).await?;
    let next = next(&mut events, query).map(|(position, ..)| *position);
    let items = events.into_iter().map(view::placed).collect();
    Ok(HttpResponse::Ok().json(api::PlacedEventPage { items, next }))
}
