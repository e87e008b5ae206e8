//! `/v1/jobs`: ask for a job, look at it, end it.

use std::{str::FromStr, time::Duration};

use actix_web::{
    HttpMessage, HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web::{self, Data, Path, ServiceConfig},
};
use engine::JobQuery;
use model::{Job, JobId, labels};
use serde_json::{Value, json};

use super::{
    job_request::{self, Rules},
    job_view::{JobView, ResultView, SummaryView},
    query::{self, Parameters},
    queue::waiting_view,
};
use crate::http::{
    Api,
    access::Caller,
    body::Body,
    method::resource,
    problem::{Fault, Problem},
};

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/jobs", "GET, POST").route(web::get().to(list)).route(web::post().to(submit)))
        .service(
            resource("/jobs/{id}", "GET, DELETE").route(web::get().to(show)).route(web::delete().to(delete)),
        )
        .service(resource("/jobs/{id}/result", "GET").route(web::get().to(result)))
        .service(resource("/jobs/{id}/cancel", "POST").route(web::post().to(cancel)))
        .service(resource("/jobs/{id}/retry", "POST").route(web::post().to(retry)));
}

/// The id in a path; a text that is none names no job.
pub(super) fn job_id(text: &str) -> Result<JobId, Problem> {
    text.parse().map_err(|_| {
        Problem::new(StatusCode::NOT_FOUND, "unknown_job", format!("unknown job `{}`", text.escape_debug()))
            .hint("GET /v1/jobs lists the jobs")
    })
}

/// 202 with the job and its address; with `?wait=` 200 and the finished job, or 202 when it takes longer.
///
/// Under an `Idempotency-Key` the same request gives the same job, another one 409.
async fn submit(
    api: Data<Api>,
    body: Body,
    query: Parameters,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    query::only(&query, &["wait"])?;
    let wait = query::wait(&query, &api)?;
    let (key, submitter) = (idempotency_key(&request)?, Caller::submitter_of(&request));
    let options = api.engine.options();
    let rules = Rules {
        allow_connection_vars: api.options.allow_connection_vars,
        protected_vars: &api.options.protected_vars,
        least_isolation: options.isolation.required,
    };
    let (mut request, names_inventory) = job_request::read(body.0?, &options.default_inventory, &rules)?;
    api.engine.settle(&mut request, names_inventory).await?;
    let job = api.engine.submit_once(request, key, &submitter).await?.into_job();
    accepted(&api, job, wait).await
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
    let view = with_warnings(api, &job).await?;
    Ok(HttpResponse::build(status).insert_header((header::LOCATION, location)).json(view))
}

/// A job with the warnings of its last attempt, if there are any.
async fn with_warnings(api: &Api, job: &Job) -> Result<Value, Problem> {
    let mut view = json!(JobView::from(job));
    let warnings = api.engine.warnings(job).await?;
    if !warnings.is_empty() {
        view["warnings"] = json!(warnings);
    }
    Ok(view)
}

/// The longest key, in bytes.
const MAX_KEY_BYTES: usize = 200;

fn idempotency_key(request: &HttpRequest) -> Result<Option<String>, Problem> {
    let Some(key) = request.headers().get("idempotency-key") else { return Ok(None) };
    match key.to_str() {
        Ok(key) if (1..=MAX_KEY_BYTES).contains(&key.len()) => Ok(Some(owned(request, key))),
        _ => {
            let message = format!("the key has 1 to {MAX_KEY_BYTES} visible ASCII characters");
            Err(Problem::invalid(vec![Fault::new("Idempotency-Key", "invalid_value", message)]))
        }
    }
}

/// The mark of the caller; `None` where callers are not known.
pub(super) fn owner(request: &HttpRequest) -> Option<String> {
    request.extensions().get::<Caller>().and_then(Caller::mark)
}

/// Callers who are known have keys of their own: nobody finds another's job by its key.
fn owned(request: &HttpRequest, key: &str) -> String {
    match owner(request) {
        Some(mark) => format!("{mark}/{key}"),
        None => key.to_owned(),
    }
}

/// The same request once more, in a new attempt of the same job; 202 as for a new job.
async fn retry(
    api: Data<Api>,
    id: Path<String>,
    query: Parameters,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    query::only(&query, &["wait"])?;
    let wait = query::wait(&query, &api)?;
    api.engine.has_room(owner(&request).as_deref()).await?;
    let job = api.engine.retry(job_id(&id)?, None).await?;
    accepted(&api, job, wait).await
}

/// Forgets a job that has ended: 204.
async fn delete(api: Data<Api>, id: Path<String>, query: Parameters) -> Result<HttpResponse, Problem> {
    query::only(&query, &[])?;
    api.engine.delete(job_id(&id)?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// A job that waits also says why, one that runs how far it has come.
async fn show(
    api: Data<Api>,
    id: Path<String>,
    query: Parameters,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let job = waited_for(&api, &id, &query).await?;
    let mut view = with_warnings(&api, &job).await?;
    if let Some(waiting) = api.engine.waiting(&job).await? {
        view["waiting"] = waiting_view(&waiting, &api);
    }
    if let Some(progress) = api.engine.progress(&api.on_behalf(&request)?, &job).await? {
        view["progress"] = json!(progress);
    }
    Ok(HttpResponse::Ok().json(view))
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
    Ok(HttpResponse::build(status).json(with_warnings(&api, &job).await?))
}

/// Jobs, newest first; `next` is the `before` of the page after this one.
async fn list(api: Data<Api>, query: Parameters) -> Result<HttpResponse, Problem> {
    query::only(
        &query,
        &["before", "limit", "state", "parent", "kind", "name", "label", "created_after", "created_before"],
    )?;
    let limit = query::number(&query, "limit", 1..=500)?.unwrap_or(50);
    let before = match parsed::<JobId>(&query, "before")? {
        Some(id) => Some((api.engine.job(id).await?.created_at, id)),
        None => None,
    };
    let jobs = api
        .engine
        .jobs(&JobQuery {
            before,
            limit,
            state: parsed(&query, "state")?,
            parent: parsed(&query, "parent")?,
            kind: parsed(&query, "kind")?,
            name: parsed(&query, "name")?,
            label: label(&query)?,
            created_after: parsed(&query, "created_after")?,
            created_before: parsed(&query, "created_before")?,
        })
        .await?;
    let is_full = u32::try_from(jobs.len()).is_ok_and(|found| found == limit);
    let next = jobs.last().filter(|_| is_full).map(|job| job.id);
    let items: Vec<SummaryView<'_>> = jobs.iter().map(SummaryView::from).collect();
    Ok(HttpResponse::Ok().json(json!({ "items": items, "next": next })))
}

fn parsed<T: FromStr<Err: std::fmt::Display>>(query: &Parameters, name: &str) -> Result<Option<T>, Problem> {
    query.get(name).map(|text| text.parse()).transpose().map_err(|error: T::Err| fault(name, &error))
}

/// `key` for any value, `key=value` for one.
fn label(query: &Parameters) -> Result<Option<(String, Option<String>)>, Problem> {
    let Some(text) = query.get("label") else { return Ok(None) };
    let (key, value) = match text.split_once('=') {
        Some((key, value)) => (key, Some(value.to_owned())),
        None => (text.as_str(), None),
    };
    if !labels::is_key(key) {
        return Err(fault("label", &"give `key` or `key=value`"));
    }
    Ok(Some((key.to_owned(), value)))
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
