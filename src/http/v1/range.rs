//! `/v1/ranges/{id}`: read, change, and destroy a range; its plans.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path},
};
use model::StoredRange;

use super::{
    job::{BAD_QUERY, WAIT},
    query::{self, Parameters},
    range_body,
    range_error::of_document,
    range_reply::{
        CONFIRM, DIGEST, DOCUMENT_PROBLEMS, DRY_RUN, RANGE_ID, RANGE_TAG, UNKNOWN_RANGE, changed,
        done_or_plan_reply, plan_reply, request_of, shown, started_reply,
    },
    ranges::document_body,
    view,
};
use crate::http::{
    access::Caller,
    api::Api,
    document_body::DocumentBody,
    endpoint::{Access, Doc, Effect, Endpoint, Reply, Schemas, Verb},
    problem::{Problem, ProblemCode},
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    let path = "/v1/ranges/{id}";
    let show_doc = Doc::new("show_range", RANGE_TAG, "Shows a range with its document.")
        .parameters([RANGE_ID])
        .replies([Reply::json(200, "The range", Schemas::of::<api::Range>)])
        .problems([UNKNOWN_RANGE, BAD_QUERY]);
    let change_doc = Doc::new("change_range", RANGE_TAG, "Changes a range to what a document describes.")
        .about("The body is that of `POST /v1/ranges`. Without values, those of the last request are kept.")
        .parameters([RANGE_ID, DRY_RUN, WAIT, DIGEST, CONFIRM])
        .body(document_body())
        .replies([done_or_plan_reply(), started_reply()])
        .problems([
            UNKNOWN_RANGE,
            (ProblemCode::RangeBusy, ""),
            (ProblemCode::WrongState, "name and platform can't change"),
        ])
        .problems(DOCUMENT_PROBLEMS)
        .problems([(ProblemCode::QueueFull, "")]);
    let destroy_doc = Doc::new("destroy_range", RANGE_TAG, "Destroys all machines and networks of a range.")
        .about("The name of the range is free once nothing of it exists.")
        .parameters([RANGE_ID, DRY_RUN, WAIT, DIGEST])
        .replies([done_or_plan_reply(), started_reply()])
        .problems([
            UNKNOWN_RANGE,
            (ProblemCode::RangeBusy, ""),
            (ProblemCode::PlanChanged, ""),
            (ProblemCode::PlatformUnavailable, ""),
            (ProblemCode::QueueFull, ""),
            BAD_QUERY,
        ]);
    let plan_doc = Doc::new("plan_range", RANGE_TAG, "Returns what a change to a document would do.")
        .about("It changes nothing. The body is that of `POST /v1/ranges`.")
        .parameters([RANGE_ID])
        .body(document_body())
        .replies([plan_reply("The plan")])
        .problems([UNKNOWN_RANGE, (ProblemCode::WrongState, "name and platform can't change")])
        .problems(DOCUMENT_PROBLEMS);
    let last_doc = Doc::new("show_plan", RANGE_TAG, "Returns the last plan with the state of each step.")
        .parameters([RANGE_ID])
        .replies([plan_reply("The plan")])
        .problems([UNKNOWN_RANGE, BAD_QUERY]);
    vec![
        Endpoint::new(Verb::Get, path, Access::VIEWER, show, show_doc),
        Endpoint::new(Verb::Put, path, Access::OPERATOR, change, change_doc),
        Endpoint::new(Verb::Delete, path, Access::OPERATOR, destroy, destroy_doc),
        Endpoint::new(Verb::Post, "/v1/ranges/{id}/plan", Access::OPERATOR, plan, plan_doc)
            .effect(Effect::Read),
        Endpoint::new(Verb::Get, "/v1/ranges/{id}/plan", Access::VIEWER, last_plan, last_doc),
    ]
}

/// The range of a path.
pub(super) async fn found(api: &Api, id: &str, query: &Parameters) -> Result<StoredRange, Problem> {
    query.only_known()?;
    Ok(api.engine.ranges().find(id).await?)
}

async fn show(api: Data<Api>, id: Path<String>, query: Parameters) -> Result<HttpResponse, Problem> {
    let range = found(&api, &id, &query).await?;
    let job = api.engine.ranges().last_plan(&range).await?.map(|last| last.stored.job);
    Ok(HttpResponse::Ok().json(shown(&api, &range, job).await?))
}

/// Changes a range; returns 202 with the job, or 200 if there is nothing to do.
async fn change(
    api: Data<Api>,
    id: Path<String>,
    body: DocumentBody,
    query: Parameters,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    query.only_known()?;
    let (wait, dry_run) = (query::wait(&query, &api)?, query::flag(&query, "dry_run")?);
    let wanted = request_of(range_body::document(body)?, &query);
    let range = found(&api, &id, &query).await?;
    if dry_run.unwrap_or(false) {
        let preview = api.engine.ranges().preview(Some(&range), &wanted).await.map_err(of_document)?;
        return Ok(HttpResponse::Ok().json(view::plan(&preview.plan)));
    }
    let by = Caller::submitter_of(&request);
    let applied = api.engine.ranges().change(&range, wanted, &by).await.map_err(of_document)?;
    changed(&api, applied, wait).await
}

/// Destroys a range; returns 202 with the job.
async fn destroy(
    api: Data<Api>,
    id: Path<String>,
    query: Parameters,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    query.only_known()?;
    let (wait, dry_run) = (query::wait(&query, &api)?, query::flag(&query, "dry_run")?);
    let range = found(&api, &id, &query).await?;
    if dry_run.unwrap_or(false) {
        let preview = api.engine.ranges().preview_destroy(&range).await?;
        return Ok(HttpResponse::Ok().json(view::plan(&preview.plan)));
    }
    let digest = query.get("digest").map(String::as_str);
    let applied = api.engine.ranges().destroy(&range, digest, &Caller::submitter_of(&request)).await?;
    changed(&api, applied, wait).await
}

/// Returns what a change would do, and changes nothing.
async fn plan(
    api: Data<Api>,
    id: Path<String>,
    body: DocumentBody,
    query: Parameters,
) -> Result<HttpResponse, Problem> {
    query.only_known()?;
    let wanted = request_of(range_body::document(body)?, &query);
    let range = found(&api, &id, &query).await?;
    let preview = api.engine.ranges().preview(Some(&range), &wanted).await.map_err(of_document)?;
    Ok(HttpResponse::Ok().json(view::plan(&preview.plan)))
}

async fn last_plan(api: Data<Api>, id: Path<String>, query: Parameters) -> Result<HttpResponse, Problem> {
    let range = found(&api, &id, &query).await?;
    match api.engine.ranges().last_plan(&range).await? {
        Some(last) => Ok(HttpResponse::Ok().json(view::last_plan(&last))),
        None => {
            let detail = format!("range `{}` has no plan", range.name);
            Err(Problem::new(ProblemCode::UnknownRange, detail))
        }
    }
}
