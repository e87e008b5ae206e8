//! What the endpoints of ranges share: parameters, replies, and problems.

use std::time::Duration;

use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
};
use engine::{Applied, RangeRequest};
use model::{JobId, StoredRange};
use serde_json::{Value, json};

use super::{job::BAD_QUERY, query::Parameters, range_body::Requested, view};
use crate::http::{
    api::Api,
    endpoint::{Parameter, Reply, Schemas},
    problem::{Problem, ProblemCode},
};

pub(super) const RANGE_TAG: &str = "ranges";

/// The path parameter with the range.
pub(super) const RANGE_ID: Parameter =
    Parameter::path("id", |_| json!({"type": "string"}), "The name of the range, or its ID").example("lab");

pub(super) const DRY_RUN: Parameter = Parameter::query(
    "dry_run",
    |_| json!({"type": "boolean", "default": false}),
    "Return the plan, and change nothing",
);
pub(super) const DIGEST: Parameter = Parameter::query(
    "digest",
    |_| json!({"type": "string", "pattern": "^[0-9a-f]{64}$"}),
    "The digest of the expected plan, as in the body",
);
pub(super) const CONFIRM: Parameter = Parameter::query(
    "confirm",
    |_| json!({"type": "string"}),
    "Names of machines and networks that the plan can remove, joined by commas, in addition to those of the body; `*` \
     stands for all",
);

pub(super) const UNKNOWN_RANGE: (ProblemCode, &str) = (ProblemCode::UnknownRange, "");

/// Headers of a reply to a change.
const ADDRESSES: &[(&str, &str)] =
    &[("Location", "The address of the job"), ("Content-Location", "The address of the range")];

/// The problems of requests with a document.
pub(super) const DOCUMENT_PROBLEMS: [(ProblemCode, &str); 7] = [
    (ProblemCode::InvalidDocument, "`errors` has all faults"),
    (ProblemCode::ConfirmationRequired, ""),
    (ProblemCode::PlanChanged, ""),
    (ProblemCode::PoolExhausted, ""),
    (ProblemCode::PlatformUnavailable, ""),
    (ProblemCode::NotSupported, ""),
    BAD_QUERY,
];

pub(super) fn plan_reply(about: &'static str) -> Reply {
    Reply::json(200, about, Schemas::of::<api::Plan>)
}

pub(super) fn started_reply() -> Reply {
    Reply::json(
        202,
        "Accepted and stored; the range, and the job that carries out the plan",
        Schemas::of::<api::RangeChange>,
    )
    .headers(ADDRESSES)
}

/// The reply of an endpoint with `dry_run`.
pub(super) fn done_or_plan_reply() -> Reply {
    let about = "There is nothing to do. With `wait`: the job has finished. With `dry_run`: the plan; nothing is stored";
    Reply::json(200, about, Schemas::of::<api::ChangeOrPlan>).headers(ADDRESSES)
}

pub(super) fn done_reply() -> Reply {
    let about = "There is nothing to do. With `wait`: the job has finished";
    Reply::json(200, about, Schemas::of::<api::RangeChange>).headers(ADDRESSES)
}

/// The request of a body. Parameters of the query are for bodies that are a document alone.
pub(super) fn request_of(requested: Requested, query: &Parameters) -> RangeRequest {
    let Requested { document, values, digest, mut confirm } = requested;
    confirm.extend(confirmed(query));
    let digest = digest.or_else(|| query.get("digest").cloned());
    RangeRequest { values, digest, confirm, ..RangeRequest::new(document) }
}

/// The names in the parameter `confirm`.
pub(super) fn confirmed(query: &Parameters) -> Vec<String> {
    let names = query.get("confirm").map_or("", String::as_str).split(',').map(str::trim);
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// A change that was accepted: 202 with the job, or 200 if there is nothing to do or the job has ended.
pub(super) async fn changed(
    api: &Api,
    applied: Applied,
    wait: Option<Duration>,
) -> Result<HttpResponse, Problem> {
    let Applied { mut range, plan, mut job } = applied;
    if let (Some(started), Some(wait)) = (&job, wait) {
        let ended = api.wait(started.id, wait).await?;
        // A range that was destroyed is shown as it was.
        if let Ok(found) = api.engine.ranges().find(&range.id.to_string()).await {
            range = found;
        }
        job = Some(ended);
    }
    let has_ended = job.as_ref().is_none_or(|job| job.state.is_terminal());
    let mut response = HttpResponse::build(if has_ended { StatusCode::OK } else { StatusCode::ACCEPTED });
    response.insert_header((header::CONTENT_LOCATION, format!("/v1/ranges/{}", range.name)));
    if let Some(job) = &job {
        response.insert_header((header::LOCATION, format!("/v1/jobs/{}", job.id)));
    }
    let summary = view::plan(&plan).summary();
    let shown = shown(api, &range, job.as_ref().map(|job| job.id)).await?;
    let job = job.as_ref().map(|job| Box::new(view::job(job)));
    Ok(response.json(api::RangeChange { range: shown, job, plan: summary }))
}

/// A range with its document.
pub(super) async fn shown(api: &Api, range: &StoredRange, job: Option<JobId>) -> Result<api::Range, Problem> {
    let ranges = api.engine.ranges();
    let recorded = ranges.recorded(range).await?;
    let document = ranges.document(range)?.document;
    let shown = view::range(range, &recorded, job, &document);
    let Value::Object(document) = document else { return Ok(shown) };
    Ok(api::Range { document: Some(document), ..shown })
}

/// Ranges in a list, without their documents.
pub(super) async fn list_of(api: &Api, ranges: Vec<StoredRange>) -> Result<Vec<api::Range>, Problem> {
    let mut items = Vec::with_capacity(ranges.len());
    for range in &ranges {
        let recorded = api.engine.ranges().recorded(range).await?;
        let document = api.engine.ranges().document(range)?.document;
        items.push(view::range(range, &recorded, None, &document));
    }
    Ok(items)
}
