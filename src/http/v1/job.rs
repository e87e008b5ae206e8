//! `/v1/jobs/{id}`: read a job, wait for it, cancel, retry, and delete it.

use std::time::Duration;

use actix_web::{
    HttpMessage, HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web::{Data, Path},
};
use engine::ShownWarning;
use model::{Job, JobId};
use serde_json::{Value, json};

use super::{
    query::{self, Parameters},
    view,
};
use crate::http::{
    access::Caller,
    api::Api,
    endpoint::{Access, Doc, Endpoint, Parameter, Reply, Schemas, Verb},
    problem::{Problem, ProblemCode},
};

pub(super) const TAG: &str = "jobs";

/// The path parameter with the job ID.
pub(super) const JOB_ID: Parameter = job_parameter("id");

pub(in crate::http) const fn job_parameter(name: &'static str) -> Parameter {
    Parameter::path(name, Schemas::of::<api::JobId>, "The id of the job")
}

pub(super) const WAIT: Parameter = Parameter::query(
    "wait",
    |_| json!({"type": "number", "minimum": 0, "maximum": 3600}),
    "Maximum time in seconds to wait until the job finishes; limited by the setting `server.wait_max_s`",
);

pub(super) const UNKNOWN_JOB: (ProblemCode, &str) = (ProblemCode::UnknownJob, "");
pub(super) const BAD_QUERY: (ProblemCode, &str) = (
    ProblemCode::InvalidRequest,
    "a parameter that is unknown or has a wrong value; `errors` has all of them",
);
pub(super) const LOCATION: &[(&str, &str)] = &[("Location", "The address of the job")];

/// A reply with a job.
fn job_reply(status: u16, about: &'static str) -> Reply {
    Reply::json(status, about, Schemas::of::<api::Job>)
}

pub(super) fn accepted_reply() -> Reply {
    job_reply(202, "Accepted and stored; the job, which has not finished").headers(LOCATION)
}

pub(super) fn ended_reply() -> Reply {
    job_reply(200, "With `wait`: the job has finished; see `state`").headers(LOCATION)
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(
            Verb::Get,
            "/v1/jobs/{id}",
            Access::VIEWER,
            show,
            Doc::new("show_job", TAG, "Shows a job.")
                .about("A queued job has `waiting`, a running job has `progress`.")
                .parameters([JOB_ID, WAIT])
                .replies([job_reply(200, "The job")])
                .problems([
                    UNKNOWN_JOB,
                    BAD_QUERY,
                    (ProblemCode::AuditUnavailable, ""),
                    (ProblemCode::InspectionsBusy, ""),
                ]),
        )
        .job("id"),
        Endpoint::new(
            Verb::Delete,
            "/v1/jobs/{id}",
            Access::ADMIN,
            delete,
            Doc::new("delete_job", TAG, "Deletes a finished job with its runs and events.")
                .parameters([JOB_ID])
                .replies([Reply::empty(204, "Forgotten")])
                .problems([UNKNOWN_JOB, (ProblemCode::NotFinished, ""), BAD_QUERY]),
        )
        .job("id"),
        Endpoint::new(
            Verb::Get,
            "/v1/jobs/{id}/result",
            Access::VIEWER,
            result,
            Doc::new("show_result", TAG, "Returns the result of a finished job.")
                .parameters([JOB_ID, WAIT])
                .replies([Reply::json(200, "The result", Schemas::of::<api::JobResult>)])
                .problems([UNKNOWN_JOB, (ProblemCode::NotFinished, ""), BAD_QUERY]),
        )
        .job("id"),
        Endpoint::new(
            Verb::Post,
            "/v1/jobs/{id}/cancel",
            Access::OPERATOR,
            cancel,
            Doc::new("cancel_job", TAG, "Cancels a job and terminates all its processes.")
                .about("Asking again is no error.")
                .parameters([JOB_ID, WAIT])
                .replies([
                    job_reply(200, "It is `canceled`; or, with `wait`, it has finished"),
                    job_reply(202, "Its processes are being terminated"),
                ])
                .problems([
                    UNKNOWN_JOB,
                    (ProblemCode::WrongState, "it has finished in another state"),
                    BAD_QUERY,
                ]),
        )
        .job("id"),
        Endpoint::new(
            Verb::Post,
            "/v1/jobs/{id}/retry",
            Access::OPERATOR,
            retry,
            Doc::new("retry_job", TAG, "Runs a finished job again.")
                .parameters([JOB_ID, WAIT])
                .replies([ended_reply(), accepted_reply()])
                .problems([
                    UNKNOWN_JOB,
                    (ProblemCode::WrongState, "it has not finished"),
                    BAD_QUERY,
                    (ProblemCode::QueueFull, ""),
                ]),
        )
        .job("id"),
    ]
}

/// Parses a job ID in a path. An invalid ID is reported as an unknown job.
pub(super) fn job_id(text: &str) -> Result<JobId, Problem> {
    text.parse().map_err(|_| {
        Problem::new(ProblemCode::UnknownJob, format!("unknown job `{}`", text.escape_debug()))
            .hint("GET /v1/jobs lists the jobs")
    })
}

pub(super) async fn accepted(
    api: &Api,
    mut job: Job,
    wait: Option<Duration>,
) -> Result<HttpResponse, Problem> {
    if let Some(wait) = wait {
        job = api.wait(job.id, wait).await?;
    }
    let status = if job.state.is_terminal() { StatusCode::OK } else { StatusCode::ACCEPTED };
    let location = format!("/v1/jobs/{}", job.id);
    let shown = with_warnings(api, &job).await?;
    Ok(HttpResponse::build(status).insert_header((header::LOCATION, location)).json(shown))
}

/// A job with the warnings of its last attempt, if there are any.
async fn with_warnings(api: &Api, job: &Job) -> Result<api::Job, Problem> {
    let warnings = api.engine.events().warnings(job).await?;
    Ok(api::Job { warnings: warnings.into_iter().filter_map(warning).collect(), ..view::job(job) })
}

/// Converts a warning. Warnings of the engine always have a code and a message.
fn warning(warning: ShownWarning) -> Option<api::Warning> {
    let mut shown = serde_json::to_value(warning).ok()?;
    if let Value::Object(data) = &mut shown {
        api::complete_warning(data);
    }
    serde_json::from_value(shown).ok()
}

/// The unique mark of the caller; `None` for anonymous callers.
pub(super) fn owner(request: &HttpRequest) -> Option<String> {
    request.extensions().get::<Caller>().and_then(Caller::mark)
}

/// Starts a new attempt of the same job; returns 202 as for a new job.
async fn retry(
    api: Data<Api>,
    id: Path<String>,
    query: Parameters,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    query.only_known()?;
    let wait = query::wait(&query, &api)?;
    api.engine.jobs().has_room(owner(&request).as_deref()).await?;
    let job = api.engine.jobs().retry(job_id(&id)?, None).await?;
    accepted(&api, job, wait).await
}

/// Deletes a job that has ended; returns 204.
async fn delete(api: Data<Api>, id: Path<String>, query: Parameters) -> Result<HttpResponse, Problem> {
    query.only_known()?;
    api.engine.jobs().delete(job_id(&id)?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Returns a job. A queued job includes the reason why it waits, and a running one its progress.
async fn show(
    api: Data<Api>,
    id: Path<String>,
    query: Parameters,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let job = waited_for(&api, &id, &query).await?;
    let mut shown = with_warnings(&api, &job).await?;
    let capacity = view::capacity(api.engine.queue().capacity());
    shown.waiting = api.engine.queue().waiting(&job).await?.map(|waiting| view::waiting(waiting, capacity));
    shown.progress = api.engine.progress().of_job(&api.on_behalf(&request)?, &job).await?.map(view::progress);
    Ok(HttpResponse::Ok().json(shown))
}

/// Returns the result of a job, or 409 if it has not ended.
async fn result(api: Data<Api>, id: Path<String>, query: Parameters) -> Result<HttpResponse, Problem> {
    let job = waited_for(&api, &id, &query).await?;
    if !job.state.is_terminal() {
        let detail = format!("job `{}` is {} and has no result yet", job.id, job.state);
        return Err(Problem::new(ProblemCode::NotFinished, detail).hint("`?wait=SECONDS` waits for the end"));
    }
    Ok(HttpResponse::Ok().json(view::result(job)))
}

async fn waited_for(api: &Api, id: &str, query: &Parameters) -> Result<Job, Problem> {
    let id = job_id(id)?;
    query.only_known()?;
    match query::wait(query, api)? {
        Some(wait) => api.wait(id, wait).await,
        None => Ok(api.engine.jobs().get(id).await?),
    }
}

/// Cancels a job; returns 202 while its processes are being stopped, and 200 when none is left.
async fn cancel(api: Data<Api>, id: Path<String>, query: Parameters) -> Result<HttpResponse, Problem> {
    query.only_known()?;
    let wait = query::wait(&query, &api)?;
    let mut job = api.engine.jobs().cancel(job_id(&id)?).await?;
    if let Some(wait) = wait {
        job = api.wait(job.id, wait).await?;
    }
    let status = if job.state.is_terminal() { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok(HttpResponse::build(status).json(with_warnings(&api, &job).await?))
}

impl Api {
    /// Waits for the end of a job, for at most this long, and no longer than until the service stops.
    pub(in crate::http) async fn wait(&self, id: JobId, at_most: Duration) -> Result<Job, Problem> {
        let mut shutdown = self.shutdown.clone();
        tokio::select! {
            job = self.engine.jobs().wait(id, at_most) => Ok(job?),
            () = shutdown.requested() => Ok(self.engine.jobs().get(id).await?),
        }
    }
}
