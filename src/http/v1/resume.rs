//! `/v1/jobs/{id}/resume`: go on where a job failed.

use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    web::{self, Data, Path, ServiceConfig},
};
use engine::ResumeError;

use super::{
    jobs::{accepted, job_id, owner},
    query::{self, Parameters},
};
use crate::http::{Api, method::resource, problem::Problem};

pub(super) fn routes(config: &mut ServiceConfig) {
    config.service(resource("/jobs/{id}/resume", "POST").route(web::post().to(resume)));
}

/// 202 as for a new job; with `?dry_run=true` 200 with what would run again, and nothing is changed.
async fn resume(
    api: Data<Api>,
    id: Path<String>,
    query: Parameters,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    query::only(&query, &["dry_run", "wait"])?;
    let wait = query::wait(&query, &api)?;
    let id = job_id(&id)?;
    let by = api.on_behalf(&request)?;
    if query::flag(&query, "dry_run")?.unwrap_or(false) {
        return Ok(HttpResponse::Ok().json(api.engine.resume_plan(&by, id).await?));
    }
    api.engine.has_room(owner(&request).as_deref()).await?;
    let job = api.engine.resume(&by, id).await?;
    accepted(&api, job, wait).await
}

impl From<ResumeError> for Problem {
    fn from(error: ResumeError) -> Self {
        match error {
            ResumeError::NotEnded { .. } => Self::new(StatusCode::CONFLICT, "wrong_state", error.to_string()),
            ResumeError::Nothing(_) => {
                Self::new(StatusCode::CONFLICT, "nothing_to_resume", error.to_string())
                    .hint("POST /v1/jobs/{id}/retry runs all of it again")
            }
            ResumeError::Other(error) => error.into(),
        }
    }
}
