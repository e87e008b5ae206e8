//! `/v1/jobs`: ask for a job, look at it, end it.

use std::time::Duration;

use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
    web::{self, Data, Path, ServiceConfig},
};
use model::{Job, JobId, JobState};
use serde_json::{Value, json};

use super::{
    job_request,
    job_view::{JobView, ResultView},
    query::{self, Parameters},
};
use crate::http::{
    Api,
    body::Body,
    method::resource,
    problem::{Fault, Problem},
};

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/jobs", "GET, POST").route(web::get().to(list)).route(web::post().to(submit)))
        .service(resource("/jobs/{id}", "GET").route(web::get().to(show)))
        .service(resource("/jobs/{id}/result", "GET").route(web::get().to(result)))
        .service(resource("/jobs/{id}/cancel", "POST").route(web::post().to(cancel)));
}

/// The id in a path; a text that is none names no job.
pub(super) fn job_id(text: &str) -> Result<JobId, Problem> {
    text.parse().map_err(|_| {
        Problem::new(StatusCode::NOT_FOUND, "unknown_job", format!("unknown job `{}`", text.escape_debug()))
            .hint("GET /v1/jobs lists the jobs")
    })
}

/// 202 with the job and its address; with `?wait=` 200 and the finished job, or 202 when it takes longer.
async fn submit(api: Data<Api>, body: Body, query: Parameters) -> Result<HttpResponse, Problem> {
    query::only(&query, &["wait"])?;
    let wait = query::wait(&query, &api)?;
    let options = api.engine.options();
    let request = job_request::read(body.0?, &options.default_inventory, api.options.allow_connection_vars)?;
    let mut job = api.engine.submit(request).await?;
    if let Some(wait) = wait {
        job = api.wait(job.id, wait).await?;
    }
    let status = if job.state.is_terminal() { StatusCode::OK } else { StatusCode::ACCEPTED };
    let location = format!("/v1/jobs/{}", job.id);
    Ok(HttpResponse::build(status).insert_header((header::LOCATION, location)).json(JobView::from(&job)))
}

async fn show(api: Data<Api>, id: Path<String>, query: Parameters) -> Result<HttpResponse, Problem> {
    let job = waited_for(&api, &id, &query).await?;
    Ok(HttpResponse::Ok().json(JobView::from(&job)))
}

/// 409 as long as the job has not ended.
async fn result(api: Data<Api>, id: Path<String>, query: Parameters) -> Result<HttpResponse, Problem> {
    let job = waited_for(&api, &id, &query).await?;
    if !job.state.is_terminal() {
        let detail = format!("job `{}` is {} and has no result yet", job.id, job.state);
        return Err(Problem::new(StatusCode::CONFLICT, "not_finished", detail)
            .hint("`?wait=SECONDS` waits for the end"));
    }
    Ok(HttpResponse::Ok().json(ResultView::from(&job)))
}

async fn waited_for(api: &Api, id: &str, query: &Parameters) -> Result<Job, Problem> {
    let id = job_id(id)?;
    query::only(query, &["wait"])?;
    match query::wait(query, api)? {
        Some(wait) => api.wait(id, wait).await,
        None => Ok(api.engine.job(id).await?),
    }
}

/// 202 while processes are being ended, 200 when none is left.
async fn cancel(api: Data<Api>, id: Path<String>, query: Parameters) -> Result<HttpResponse, Problem> {
    query::only(&query, &["wait"])?;
    let wait = query::wait(&query, &api)?;
    let mut job = api.engine.cancel(job_id(&id)?).await?;
    if let Some(wait) = wait {
        job = api.wait(job.id, wait).await?;
    }
    let status = if job.state.is_terminal() { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok(HttpResponse::build(status).json(JobView::from(&job)))
}

/// Jobs, newest first; `next` is the `before` of the page after this one.
async fn list(api: Data<Api>, query: Parameters) -> Result<HttpResponse, Problem> {
    query::only(&query, &["before", "limit", "state"])?;
    let limit = query::number(&query, "limit", 1..=500)?.unwrap_or(50);
    let before = query.get("before").map(|text| text.parse::<JobId>()).transpose();
    let before = before.map_err(|error| fault("before", &error))?;
    let state = query.get("state").map(|text| text.parse::<JobState>()).transpose();
    let state = state.map_err(|error| fault("state", &error))?;
    let jobs = api.engine.jobs(before, state, limit).await?;
    let is_full = u32::try_from(jobs.len()).is_ok_and(|found| found == limit);
    let next = jobs.last().filter(|_| is_full).map(|job| job.id);
    let items: Vec<Value> = jobs.iter().map(|job| json!(JobView::from(job))).collect();
    Ok(HttpResponse::Ok().json(json!({ "items": items, "next": next })))
}

fn fault(name: &str, error: &dyn std::fmt::Display) -> Problem {
    Problem::invalid(vec![Fault::new(name, "invalid_value", error.to_string())])
}

impl Api {
    /// Waits for the end of a job, at most this long, and not longer than the service itself lives.
    pub(in crate::http) async fn wait(&self, id: JobId, at_most: Duration) -> Result<Job, Problem> {
        let mut shutdown = self.shutdown.clone();
        tokio::select! {
            job = self.engine.wait(id, at_most) => Ok(job?),
            () = shutdown.requested() => Ok(self.engine.job(id).await?),
        }
    }
}
