//! `/v1/jobs`: submit a job, list jobs.

use std::str::FromStr;

use actix_web::{HttpRequest, HttpResponse, web::Data};
use engine::JobQuery;
use model::{JobId, labels};
use serde_json::json;

use super::{
    job::{BAD_QUERY, TAG, WAIT, accepted, accepted_reply, ended_reply, owner},
    job_request::{self, Rules},
    query::{self, Parameters},
    view,
};
use crate::http::{
    access::Caller,
    api::Api,
    body::Body,
    endpoint::{self, Access, Doc, Endpoint, Parameter, Reply, Schemas, Verb},
    problem::{FaultCode, Problem, ProblemCode, fault},
};

const IDEMPOTENCY_KEY: Parameter = Parameter::header(
    "Idempotency-Key",
    |_| json!({"type": "string", "minLength": 1, "maxLength": MAX_KEY_BYTES, "pattern": "^[!-~]*$"}),
    "Requests with the same key and the same body return the same job, however often they are sent",
);

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(
            Verb::Post,
            "/v1/jobs",
            Access::OPERATOR,
            submit,
            Doc::new("submit_job", TAG, "Runs a playbook, a bundle or a scenario.")
                .about("When the reply is there, the job is stored and survives a crash.")
                .parameters([WAIT, IDEMPOTENCY_KEY])
                .body(endpoint::Body::new(
                    Schemas::of::<api::NewJob>,
                    || json!({"bundle": "ping", "limit": "localhost"}),
                ))
                .replies([ended_reply(), accepted_reply()])
                .problems([
                    (ProblemCode::BadName, "an invalid name"),
                    (ProblemCode::LeavesRoot, "a link that leads out of its root"),
                    (ProblemCode::MalformedJson, ""),
                    (ProblemCode::UnknownPlaybook, ""),
                    (ProblemCode::UnknownBundle, ""),
                    (ProblemCode::UnknownScenario, ""),
                    (ProblemCode::UnknownProject, ""),
                    (ProblemCode::IdempotencyKeyUsed, "for another request"),
                    (ProblemCode::QueueFull, ""),
                    (ProblemCode::InvalidRequest, "fields or parameters are wrong; `errors` has all of them"),
                ]),
        ),
        Endpoint::new(
            Verb::Get,
            "/v1/jobs",
            Access::VIEWER,
            list,
            Doc::new("list_jobs", TAG, "Lists jobs, newest first.")
                .parameters(filters())
                .replies([Reply::json(200, "A page", Schemas::of::<api::JobPage>)])
                .problems([(ProblemCode::UnknownJob, "there is no job `before`"), BAD_QUERY]),
        ),
    ]
}

/// The parameters that filter the list of jobs.
fn filters() -> [Parameter; 9] {
    [
        Parameter::query(
            "before",
            Schemas::of::<api::JobId>,
            "Only jobs older than this one: `next` of a page",
        ),
        Parameter::query(
            "limit",
            |_| json!({"type": "integer", "minimum": 1, "maximum": 500, "default": 50}),
            "At most so many",
        ),
        Parameter::query("state", Schemas::of::<api::State>, "Only jobs in this state"),
        Parameter::query("parent", Schemas::of::<api::JobId>, "Only the children of this job"),
        Parameter::query(
            "kind",
            |_| json!({"enum": ["playbook", "bundle", "scenario"]}),
            "Only jobs that run this",
        ),
        Parameter::query("name", Schemas::of::<api::ContentName>, "Only jobs that run content of this name"),
        Parameter::query(
            "label",
            |_| json!({"type": "string", "pattern": "^[A-Za-z0-9_.-]{1,63}(=[A-Za-z0-9_. -]{0,255})?$"}),
            "`key`: only jobs with this label; `key=value`: only where it has this value",
        ),
        Parameter::query(
            "created_after",
            Schemas::of::<api::Time>,
            "Only jobs accepted at this time or later",
        ),
        Parameter::query("created_before", Schemas::of::<api::Time>, "Only jobs accepted before this time"),
    ]
}

/// Creates a job; returns 202 with the job and its URL. With `?wait=`, returns 200 with the finished job, or 202 if
/// it takes longer.
///
/// With an `Idempotency-Key`, an equal request returns the same job, and a different one 409.
async fn submit(
    api: Data<Api>,
    body: Body,
    query: Parameters,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    query.only_known()?;
    let wait = query::wait(&query, &api)?;
    let (key, submitter) = (idempotency_key(&request)?, Caller::submitter_of(&request));
    let rules = Rules {
        allow_connection_vars: api.options.allow_connection_vars,
        protected_vars: &api.options.protected_vars,
        least_isolation: api.engine.jobs().required_isolation(),
    };
    let (mut request, names_inventory) =
        job_request::read(body.0?, api.engine.catalog().default_inventory(), &rules)?;
    api.engine.catalog().settle(&mut request, names_inventory).await?;
    let job = api.engine.jobs().submit_once(request, key, &submitter).await?.into_job();
    accepted(&api, job, wait).await
}

/// Maximum length of a key, in bytes.
const MAX_KEY_BYTES: usize = 200;

fn idempotency_key(request: &HttpRequest) -> Result<Option<String>, Problem> {
    let Some(key) = request.headers().get("idempotency-key") else { return Ok(None) };
    match key.to_str() {
        Ok(key) if (1..=MAX_KEY_BYTES).contains(&key.len()) => Ok(Some(owned(request, key))),
        _ => {
            let message = format!("the key has 1 to {MAX_KEY_BYTES} visible ASCII characters");
            Err(Problem::invalid(vec![fault("Idempotency-Key", FaultCode::InvalidValue, message)]))
        }
    }
}

/// Prefixes the key with the authenticated caller, so that callers cannot access jobs of others by their keys.
fn owned(request: &HttpRequest, key: &str) -> String {
    match owner(request) {
        Some(mark) => format!("{mark}/{key}"),
        None => key.to_owned(),
    }
}

/// Lists jobs, newest first. `next` is the `before` of the next page.
async fn list(api: Data<Api>, query: Parameters) -> Result<HttpResponse, Problem> {
    query.only_known()?;
    let limit = query::number(&query, "limit", 1..=500)?.unwrap_or(50);
    let before = match parsed::<JobId>(&query, "before")? {
        Some(id) => Some((api.engine.jobs().get(id).await?.created_at, id)),
        None => None,
    };
    let jobs = api
        .engine
        .jobs()
        .list(&JobQuery {
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
    let next = jobs.last().filter(|_| is_full).map(|job| job.id.to_string().into());
    let items = jobs.into_iter().map(view::summary).collect();
    Ok(HttpResponse::Ok().json(api::JobPage { items, next }))
}

fn parsed<T: FromStr<Err: std::fmt::Display>>(query: &Parameters, name: &str) -> Result<Option<T>, Problem> {
    query.get(name).map(|text| text.parse()).transpose().map_err(|error: T::Err| invalid(name, &error))
}

/// Parses a label filter: `key` for any value, or `key=value`.
fn label(query: &Parameters) -> Result<Option<(String, Option<String>)>, Problem> {
    let Some(text) = query.get("label") else { return Ok(None) };
    let (key, value) = match text.split_once('=') {
        Some((key, value)) => (key, Some(value.to_owned())),
        None => (text.as_str(), None),
    };
    if !labels::is_key(key) {
        return Err(invalid("label", &"use `key` or `key=value`"));
    }
    Ok(Some((key.to_owned(), value)))
}

fn invalid(name: &str, error: &dyn std::fmt::Display) -> Problem {
    Problem::invalid(vec![fault(name, FaultCode::InvalidValue, error.to_string())])
}
