//! `/v1/queue`: who is at work, who waits, and why.

use std::collections::HashMap;

use actix_web::{
    HttpResponse,
    web::{self, Data, ServiceConfig},
};
use engine::{Blocker, OwnerLock, QueueEntry, RunningJob, Waiting};
use model::{Holder, JobId, Priority};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    job_view::SummaryView,
    query::{self, Parameters},
};
use crate::http::{Api, method::resource, problem::Problem};

pub(super) fn routes(config: &mut ServiceConfig) {
    config.service(resource("/queue", "GET").route(web::get().to(show)));
}

/// A job that waits.
#[derive(Serialize)]
struct Queued<'a> {
    id: JobId,
    /// Named by its kind.
    #[serde(flatten)]
    subject: HashMap<&'static str, &'a str>,
    priority: Priority,
    queued_at: String,
    waiting: Value,
}

async fn show(api: Data<Api>, query: Parameters) -> Result<HttpResponse, Problem> {
    query::only(&query, &["limit"])?;
    let limit = query::number(&query, "limit", 1..=1000)?.unwrap_or(100);
    let queue = api.engine.queue(limit).await?;
    let running: Vec<Value> = queue.running.iter().map(running).collect();
    let queued: Vec<Queued<'_>> = queue.queued.iter().map(|entry| queued(entry, &api)).collect();
    let capacity = json!({ "at_work": queue.capacity.at_work, "most": queue.capacity.most });
    let owner_locks: Vec<Value> = queue.owner_locks.iter().map(owner_lock).collect();
    Ok(HttpResponse::Ok().json(json!({
        "running": running,
        "queued": queued,
        "owner_locks": owner_locks,
        "capacity": capacity,
    })))
}

fn running(running: &RunningJob) -> Value {
    let mut view = json!(SummaryView::from(&running.job));
    view["node"] = json!(running.node);
    view["lease_until"] = json!(format!("{:.3}", running.lease_until));
    view
}

fn owner_lock(OwnerLock { owner, lock }: &OwnerLock) -> Value {
    json!({ "owner": owner, "resource": lock.resource, "mode": lock.mode })
}

fn queued<'a>(entry: &'a QueueEntry, api: &Api) -> Queued<'a> {
    Queued {
        id: entry.id,
        subject: HashMap::from([entry.work.subject()]),
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
        .map(|Blocker { resource, holder, holds }| match holder {
            Holder::Job(job) => json!({ "resource": resource, "job": job, "holds": holds }),
            Holder::Owner(owner) => {
                json!({ "resource": resource, "job": null, "owner": owner, "holds": holds })
            }
        })
        .collect();
    let capacity = api.engine.capacity();
    json!({
        "position": waiting.position,
        "blockers": blockers,
        "capacity": { "at_work": capacity.at_work, "most": capacity.most },
    })
}
