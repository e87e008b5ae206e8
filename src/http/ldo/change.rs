//! Creates, changes, and deletes ranges of this API.

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    http::StatusCode,
    web::{Data, Path},
};
use engine::{Applied, RangeError, RangeRequest, Submitter};
use model::{JobId, JobState};
use range::{
    document::Name,
    import::ldo::{self, Imported},
};
use serde_json::{Value, json};

use super::{
    error_reply::ErrorReply,
    look::found,
    scope::{id_of, name_of, platform},
};
use crate::http::{access::Caller, api::Api, document_body::DocumentBody, v0};

pub(super) async fn apply(
    api: Data<Api>,
    body: DocumentBody,
    request: HttpRequest,
) -> Result<HttpResponse, ErrorReply> {
    let platform = platform(&api)?;
    let graph = body.0?.unwrap_or(Value::Null);
    let platform: Name = serde_json::from_value(platform.into()).map_err(|error| {
        ErrorReply::new(StatusCode::SERVICE_UNAVAILABLE, format!("`ranges.ldo_platform`: {error}"))
    })?;
    let imported = ldo::import(&graph, &platform)?;
    let id = imported.id.clone();
    let wanted = wanted(imported, graph)?;
    let applied = applied(&api, &id, wanted, &Caller::submitter_of(&request)).await?;
    let mut response = HttpResponse::Ok();
    with_job(&mut response, applied.job.map(|job| job.id));
    Ok(response.json(api::ldo::Status {
        range_id: id,
        status: "accepted".to_owned(),
        message: Some("Reconciliation task started.".to_owned()),
    }))
}

/// The request for a graph. The client doesn't confirm what a change removes.
fn wanted(imported: Imported, graph: Value) -> Result<RangeRequest, ErrorReply> {
    let document = serde_json::to_value(&imported.document);
    let mut document =
        document.map_err(|error| ErrorReply::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    document["name"] = name_of(&imported.id).into();
    let origin = json!({
        "range_metadata": graph["range_metadata"], "nodes": graph["nodes"], "links": graph["links"],
    });
    Ok(RangeRequest { confirm: vec!["*".to_owned()], origin: Some(origin), ..RangeRequest::new(document) })
}

/// Creates or changes the range. A job that is changing it ends first, for at most as long as a request may wait.
async fn applied(api: &Api, id: &str, wanted: RangeRequest, by: &Submitter) -> Result<Applied, ErrorReply> {
    match apply_once(api, id, wanted.clone(), by).await {
        Err(RangeError::Busy(job)) => {
            api.engine.jobs().wait(job, api.options.wait_max).await?;
            Ok(apply_once(api, id, wanted, by).await?)
        }
        other => Ok(other?),
    }
}

async fn apply_once(
    api: &Api,
    id: &str,
    wanted: RangeRequest,
    by: &Submitter,
) -> Result<Applied, RangeError> {
    let ranges = api.engine.ranges();
    match ranges.find(&name_of(id)).await {
        Ok(range) if range.state != model::RangeState::Empty => ranges.change(&range, wanted, by).await,
        Ok(_) | Err(RangeError::Unknown(_)) => ranges.create(wanted, by).await,
        Err(error) => Err(error),
    }
}

pub(super) async fn delete(
    api: Data<Api>,
    id: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, ErrorReply> {
    platform(&api)?;
    let id = id_of(&id)?;
    let found = found(&api, &id).await?.ok_or_else(ErrorReply::not_found)?;
    let by = Caller::submitter_of(&request);
    let ranges = api.engine.ranges();
    let applied = match ranges.destroy(&found.range, None, &by).await {
        Err(RangeError::Busy(job)) => {
            api.engine.jobs().cancel(job).await?;
            api.engine.jobs().wait(job, api.options.wait_max).await?;
            match ranges.destroy(&found.range, None, &by).await {
                // The canceled job was to create it, and has undone that.
                Err(RangeError::Unknown(_)) => return Ok(deleted(HttpResponse::Ok(), id, "deleted")),
                other => other?,
            }
        }
        other => other?,
    };
    let mut status = "deleted";
    let mut response = HttpResponse::Ok();
    if let Some(job) = applied.job {
        with_job(&mut response, Some(job.id));
        let ended = api.engine.jobs().wait(job.id, api.options.wait_max).await?;
        match ended.state {
            JobState::Succeeded => {}
            state if state.is_terminal() => return Err(ErrorReply::failed(job.id, &ended.reason.message)),
            _ => {
                response.status(StatusCode::ACCEPTED);
                status = "deleting";
            }
        }
    }
    Ok(deleted(response, id, status))
}

fn deleted(mut response: HttpResponseBuilder, id: String, status: &str) -> HttpResponse {
    response.json(api::ldo::Status { range_id: id, status: status.to_owned(), message: None })
}

fn with_job(response: &mut HttpResponseBuilder, job: Option<JobId>) {
    if let Some(job) = job {
        response.insert_header((v0::JOB_HEADER, job.to_string()));
    }
}
