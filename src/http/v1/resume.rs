//! `/v1/jobs/{id}/resume`: resume a job from the failed task.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path},
};
use engine::ResumeError;
use serde_json::json;

use super::{
    job::{BAD_QUERY, JOB_ID, LOCATION, TAG, UNKNOWN_JOB, WAIT, accepted, accepted_reply, job_id, owner},
    query::{self, Parameters},
    view,
};
use crate::http::{
    api::Api,
    endpoint::{Access, Doc, Endpoint, Parameter, Reply, Schemas, Verb},
    problem::{Problem, ProblemCode},
};

const DRY_RUN: Parameter = Parameter::query(
    "dry_run",
    |_| json!({"type": "boolean", "default": false}),
    "Return what would run again, and change nothing",
);

pub(super) fn endpoint() -> Endpoint {
    let dry_run = "With `dry_run`: what would run again. With `wait`: the job, which has finished";
    let doc = Doc::new("resume_job", TAG, "Resumes a job from the failed task.")
        .about("A new attempt begins at the task that failed first, on the hosts that failed.")
        .parameters([JOB_ID, DRY_RUN, WAIT])
        .replies([
            Reply::json(200, dry_run, Schemas::of::<api::JobOrPreview>).headers(LOCATION),
            accepted_reply(),
        ])
        .problems([
            UNKNOWN_JOB,
            (ProblemCode::NothingToResume, "the last run succeeded"),
            (ProblemCode::WrongState, "it has not finished"),
            BAD_QUERY,
            (ProblemCode::QueueFull, ""),
            (ProblemCode::InspectionsBusy, ""),
        ]);
    Endpoint::new(Verb::Post, "/v1/jobs/{id}/resume", Access::OPERATOR, resume, doc).job("id")
}

/// Resumes a job; returns 202 as for a new job. With `?dry_run=true`, returns 200 with the plan, and changes
/// nothing.
async fn resume(
    api: Data<Api>,
    id: Path<String>,
    query: Parameters,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    query.only_known()?;
    let wait = query::wait(&query, &api)?;
    let id = job_id(&id)?;
    let by = api.on_behalf(&request)?;
    if query::flag(&query, "dry_run")?.unwrap_or(false) {
        return Ok(HttpResponse::Ok().json(view::preview(api.engine.resume().plan(&by, id).await?)));
    }
    api.engine.jobs().has_room(owner(&request).as_deref()).await?;
    let job = api.engine.resume().apply(&by, id).await?;
    accepted(&api, job, wait).await
}

impl From<ResumeError> for Problem {
    fn from(error: ResumeError) -> Self {
        match error {
            ResumeError::NotEnded { .. } => Self::new(ProblemCode::WrongState, error.to_string()),
            ResumeError::Nothing(_) => Self::new(ProblemCode::NothingToResume, error.to_string())
                .hint("POST /v1/jobs/{id}/retry runs all of it again"),
            ResumeError::Other(error) => error.into(),
        }
    }
}
