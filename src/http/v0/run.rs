//! Running by name: the ping playbook, bundles, scenarios.

use std::time::Duration;

use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{self, Data, Path, ServiceConfig},
};
use ansible::catalog;
use model::{ContentName, ContentRef, ExtraVars, Job, JobId, JobRequest};
use serde_json::{Map, Value};

use super::{
    Refusal,
    fields::{self, Field, HOSTS, Kind, NODE},
    python, reply, resource,
};
use crate::http::{Api, body::Body};

/// What all three take. `as_json` is accepted and makes no difference: the answer is always the log.
const FIELDS: &[Field] = &[
    Field { name: "proxmox_node", kind: Kind::Text(&NODE), required: true, nullable: false },
    Field { name: "as_json", kind: Kind::Bool, required: false, nullable: true },
    Field { name: "hosts", kind: Kind::Host(&HOSTS), required: true, nullable: true },
];

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/v0/admin/debug/ping").route(web::post().to(ping)))
        .service(resource("/v0/admin/run/bundles/{name:.+}/run").route(web::post().to(bundle)))
        .service(resource("/v0/admin/run/scenarios/{name:.+}/run").route(web::post().to(scenario)));
}

async fn ping(api: Data<Api>, body: Body) -> Result<HttpResponse, Refusal> {
    let values = fields::check(body, FIELDS)?;
    run(&api, ContentRef::Playbook(parse_name("ping")?), &values).await
}

async fn bundle(api: Data<Api>, name: Path<String>, body: Body) -> Result<HttpResponse, Refusal> {
    let values = fields::check(body, FIELDS)?;
    run(&api, ContentRef::Bundle(parse_name(&name)?), &values).await
}

async fn scenario(api: Data<Api>, name: Path<String>, body: Body) -> Result<HttpResponse, Refusal> {
    let values = fields::check(body, FIELDS)?;
    run(&api, ContentRef::Scenario(parse_name(&name)?), &values).await
}

async fn run(api: &Api, content: ContentRef, values: &Map<String, Value>) -> Result<HttpResponse, Refusal> {
    let request = request(api, content, values)?;
    let content = request.content.clone();
    let job = api.engine.submit(request).await.map_err(|error| refused(api, &content, &error))?;
    let job = ended(api, job.id).await?;
    let log = api.engine.whole_log(job.id).await.map_err(|error| Refusal::failed(&error))?;
    Ok(reply::log(&job, &log))
}

fn request(api: &Api, content: ContentRef, values: &Map<String, Value>) -> Result<JobRequest, Refusal> {
    let text = |name: &str| values.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let node = text("proxmox_node").map(|node| ("proxmox_node".to_owned(), Value::from(node)));
    let extra_vars =
        ExtraVars::check(node.into_iter().collect(), false).map_err(|error| Refusal::failed(&error))?;
    let limit = text("hosts").map(str::parse).transpose();
    Ok(JobRequest {
        content,
        inventory: api.engine.options().default_inventory.clone(),
        limit: limit.map_err(|error| Refusal::failed(&error))?,
        tags: None,
        skip_tags: None,
        extra_vars,
        check: false,
        diff: false,
        verbosity: 0,
        forks: None,
        timeout_s: None,
        priority: model::Priority::default(),
        labels: model::Labels::default(),
        resources: model::Resources::default(),
        retry: None,
        start_at_task: None,
    })
}

/// Waits for the end, as v0 always does; when the service stops first, the job goes on without us.
async fn ended(api: &Api, id: JobId) -> Result<Job, Refusal> {
    let mut shutdown = api.shutdown.clone();
    let job = tokio::select! {
        job = api.engine.wait(id, Duration::MAX) => job.map_err(|error| Refusal::failed(&error))?,
        () = shutdown.requested() => {
            let text = "the service is stopping; the job goes on and can be asked for when it is back";
            return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, text).job(id));
        }
    };
    Ok(job)
}

fn parse_name(text: &str) -> Result<ContentName, Refusal> {
    text.parse().map_err(|_| {
        let detail = format!(":: err - INVALID ACTION NAME FORMAT {}", python::repr(text));
        Refusal::new(StatusCode::BAD_REQUEST, detail)
    })
}

fn refused(api: &Api, content: &ContentRef, error: &engine::Error) -> Refusal {
    let engine::Error::Content(problem) = error else { return Refusal::failed(error) };
    match problem {
        catalog::Error::LeavesRoot { .. } => Refusal::new(
            StatusCode::BAD_REQUEST,
            format!(":: err - POTENTIAL PATH TRAVERSAL DETECTED: {problem}"),
        ),
        catalog::Error::NotFound { .. } => not_found(api, content, problem),
        catalog::Error::Io { .. } => Refusal::failed(error),
    }
}

/// A missing ping playbook or second root is a fault of the installation, which v0 tells with 400.
fn not_found(api: &Api, content: &ContentRef, problem: &catalog::Error) -> Refusal {
    let options = &api.options;
    match content {
        ContentRef::Playbook(_) => {
            Refusal::new(StatusCode::BAD_REQUEST, format!(":: MISSING PLAYBOOK: {problem}"))
        }
        ContentRef::Bundle(_) | ContentRef::Scenario(_) => match &options.missing_public_playbooks {
            Some(directory) => {
                Refusal::new(StatusCode::BAD_REQUEST, format!("Invalid playbooks dir: {directory}"))
            }
            None if !options.has_public_playbooks => {
                Refusal::new(StatusCode::BAD_REQUEST, ":: err - Missing env var for public_github")
            }
            None => Refusal::new(StatusCode::NOT_FOUND, problem.to_string()),
        },
    }
}
