//! `/v1/queue`: who is at work, who waits, and why.

use actix_web::{HttpResponse, web::Data};
use engine::{QueueEntry, RunningJob, Waiting};
use model::{ContentRef, JobId, Priority};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    job_view::SummaryView,
    query::{self, Parameters},
};
use crate::http::{
    Api,
    endpoint::{Access, Doc, Endpoint, Parameter, Reply, Verb},
    problem::Problem,
};

const LIMIT: Parameter = Parameter::query(
    "limit",
    |_| json!({"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}),
    "At most so many that wait",
);

pub(super) fn endpoint() -> Endpoint {
    let doc = Doc::new("show_queue", "jobs", "Shows who is at work, who waits, and why.")
        .parameters([LIMIT])
        .replies([Reply::json(200, "The queue", |schemas| schemas.named("Queue"))])
        .problems([(
            422,
            "`invalid_request`: a parameter that is unknown or has a wrong value; `errors` has all of them",
        )]);
    Endpoint::new(Verb::Get, "/v1/queue", Access::VIEWER, show, doc)
}

/// A job that waits.
#[derive(Serialize)]
struct Queued<'a> {
    id: JobId,
    #[serde(flatten)]
    content: &'a ContentRef,
    priority: Priority,
    queued_at: String,
    waiting: Value,
}

async fn show(api: Data<Api>, query: Parameters) -> Result<HttpResponse, Problem> {
    query.only_known()?;
    let limit = query::number(&query, "limit", 1..=1000)?.unwrap_or(100);
    let queue = api.engine.queue(limit).await?;
    let running: Vec<Value> = queue.running.iter().map(running).collect();
    let queued: Vec<Queued<'_>> = queue.queued.iter().map(|entry| queued(entry, &api)).collect();
    let capacity = json!({ "at_work": queue.capacity.at_work, "most": queue.capacity.most });
    Ok(HttpResponse::Ok().json(json!({ "running": running, "queued": queued, "capacity": capacity })))
}

fn running(running: &RunningJob) -> Value {
    let mut view = json!(SummaryView::from(&running.job));
    view["node"] = json!(running.node);
    view["lease_until"] = json!(format!("{:.3}", running.lease_until));
    view
}

fn queued<'a>(entry: &'a QueueEntry, api: &Api) -> Queued<'a> {
    Queued {
        id: entry.id,
        content: &entry.content,
        priority: entry.priority,
        queued_at: format!("{:.3}", entry.queued_at),
        waiting: waiting_view(&entry.waiting, api),
    }
}

/// Why a job waits: how many come before it, who holds what it needs, and whether there is a place at all.
pub(super) fn waiting_view(waiting: &Waiting, api: &Api) -> Value {
    let blockers: Vec<Value> = waiting
        .blockers
        .iter()
        .map(|blocker| json!({ "resource": blocker.resource, "job": blocker.job, "holds": blocker.holds }))
        .collect();
    let capacity = api.engine.capacity();
    json!({
        "position": waiting.position,
        "blockers": blockers,
        "capacity": { "at_work": capacity.at_work, "most": capacity.most },
    })
}
