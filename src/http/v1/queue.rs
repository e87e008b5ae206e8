//! `/v1/queue`: running jobs, queued jobs, and the reasons why they wait.

use actix_web::{HttpResponse, web::Data};
use serde_json::json;

use super::{
    job::{BAD_QUERY, TAG},
    query::{self, Parameters},
    view,
};
use crate::http::{
    api::Api,
    endpoint::{Access, Doc, Endpoint, Parameter, Reply, Schemas, Verb},
    problem::Problem,
};

const LIMIT: Parameter = Parameter::query(
    "limit",
    |_| json!({"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}),
    "At most so many that wait",
);

pub(super) fn endpoint() -> Endpoint {
    let doc = Doc::new("show_queue", TAG, "Lists running and queued jobs, and why queued jobs wait.")
        .parameters([LIMIT])
        .replies([Reply::json(200, "The queue", Schemas::of::<api::Queue>)])
        .problems([BAD_QUERY]);
    Endpoint::new(Verb::Get, "/v1/queue", Access::VIEWER, show, doc)
}

async fn show(api: Data<Api>, query: Parameters) -> Result<HttpResponse, Problem> {
    query.only_known()?;
    let limit = query::number(&query, "limit", 1..=1000)?.unwrap_or(100);
    let queue = api.engine.queue().state(limit).await?;
    let capacity = view::capacity(queue.capacity);
    Ok(HttpResponse::Ok().json(api::Queue {
        running: queue.running.into_iter().map(view::running).collect(),
        queued: queue.queued.into_iter().map(|entry| view::queued(entry, capacity)).collect(),
        owner_locks: queue.owner_locks.into_iter().map(view::owner_lock).collect(),
        capacity,
    }))
}
