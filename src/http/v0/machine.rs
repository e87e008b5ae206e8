//! The common implementation of all rows: validate, plan, submit, wait, respond.

use std::time::Duration;

use actix_web::{HttpMessage, HttpRequest, HttpResponse, ResponseError, http::StatusCode};
use content::catalog;
use engine::{CatalogError, JobError, Jobs};
use model::{Code, ContentName, ContentRef, Ending, Job, JobId};
use serde_json::{Map, Value};

use super::{
    ErrorReply, check, direct,
    plan::{self, PlanContext},
    reply,
    route::{Access, Lookup, Plan, Reply, Route},
    rows,
};
use crate::http::{
    access::{Caller, Change, ForeignOrigin},
    api::Api,
    body::Body,
    error::QUEUE_RETRY_S,
};

/// The error of an ID lookup if the machine does not exist or the machines could not be listed.
const NO_SUCH_MACHINE: &str = ":: err - vm_id NOT FOUND";

/// Handles a request of a route; `name` is the content in its path.
pub(super) async fn answer(
    api: &Api,
    route: &Route,
    name: Option<&str>,
    http: &HttpRequest,
    body: Body,
) -> Result<HttpResponse, ErrorReply> {
    let values = if route.fields.is_empty() { Map::new() } else { check::check(body, route.fields)? };
    // Checked after the body, because the reference service returns its faults to such pages, too.
    if http.extensions().get::<ForeignOrigin>().is_some() {
        return Err(ErrorReply::new(StatusCode::FORBIDDEN, "pages of this origin may not call"));
    }
    inventory_is_there(api).await?;
    api_host_is_known(api, &values).await?;
    let inventory = api.engine.catalog().default_inventory();
    // Only locks need it.
    let node = if is_read(route) { None } else { api.engine.machines().default_node().await };
    let host = acting_host(api, route, &values).await;
    let known = PlanContext {
        inventory,
        default_node: node.as_deref(),
        name,
        host: host.as_deref(),
        limits_actions: host.is_some()
            && api.engine.catalog().plays_on_group(plan::generic()?, plan::ACTION_HOSTS).await,
    };
    let mut request = plan::plan(route, &values, &known)?;
    api.engine.catalog().settle(&mut request, false).await.map_err(|error| ErrorReply::failed(&error))?;
    // A route of v0 always runs a playbook.
    let content = request.work.as_playbook().map(|work| work.content.clone());
    let content =
        content.ok_or_else(|| ErrorReply::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"))?;
    if wants_results(route, &values)
        && let Some((action, result)) = direct::result(&api.engine, &route.plan, &content, &values).await
    {
        let job =
            api.engine.machines().record_read(request, action, result, &Caller::submitter_of(http)).await;
        return job.map(|job| reply::results(&job, action)).map_err(|error| ErrorReply::failed(&error));
    }
    let change = http.extensions().get::<Change>().cloned();
    let begun = match change {
        Some(change) => match change.begin(http.path()).await {
            Ok(begun) => Some(begun),
            Err(refusal) => return Ok(refusal),
        },
        None => None,
    };
    let submitted = api.engine.jobs().submit(request, &Caller::submitter_of(http)).await;
    let id = submitted.as_ref().ok().map(|job| job.id);
    let answer = async {
        let job = ended(api, submitted.map_err(|error| refused(api, &content, &error))?.id).await?;
        reply(api, route, &values, &job).await
    };
    let answer = answer.await;
    if let Some(begun) = begun {
        let status = answer.as_ref().map_or_else(ResponseError::status_code, HttpResponse::status);
        begun.end(status.as_u16(), id);
    }
    answer
}

/// The host that acts for the node of the request, if the group of actions has several hosts.
async fn acting_host(api: &Api, route: &Route, values: &Map<String, Value>) -> Option<String> {
    match route.plan {
        Plan::Ping | Plan::Named(_) => None,
        Plan::Action { .. } | Plan::Bundle { .. } | Plan::CreateMachines { .. } | Plan::Find { .. } => {
            let node = values.get("proxmox_node").and_then(Value::as_str).filter(|node| !node.is_empty());
            api.engine.machines().host_of(node).await
        }
    }
}

async fn reply(
    api: &Api,
    route: &Route,
    values: &Map<String, Value>,
    job: &Job,
) -> Result<HttpResponse, ErrorReply> {
    let inventory = job.request.work.as_playbook().and_then(|work| work.inventory.iter().next());
    // The inventory existed when the job was accepted.
    if job.outcome.as_ref().is_some_and(|outcome| outcome.reason.code == Code::InventoryNotFound)
        && let Some(name) = inventory
    {
        return Err(no_inventory(api, name).job(job.id));
    }
    if let (Plan::Action { lookup, .. }, Some(outcome)) = (&route.plan, &job.outcome)
        && *lookup != Lookup::No
        && outcome.ending == Ending::Failed
        && outcome.detail.as_playbook().is_some_and(|detail| detail.step == 1)
    {
        return Err(ErrorReply::new(StatusCode::INTERNAL_SERVER_ERROR, NO_SUCH_MACHINE).job(job.id));
    }
    if let Plan::Find { vm_id } = &route.plan {
        return match reply::finds(job, vm_id) {
            true => Ok(reply::null(job)),
            false => Err(ErrorReply::new(StatusCode::INTERNAL_SERVER_ERROR, NO_SUCH_MACHINE).job(job.id)),
        };
    }
    match route.reply {
        Reply::Results(key) if values.get("as_json") == Some(&Value::Bool(true)) => {
            Ok(reply::results(job, key))
        }
        Reply::Null => Ok(reply::null(job)),
        Reply::Results(_) | Reply::Log => {
            let log = api
                .engine
                .events()
                .log_of_last_step(job)
                .await
                .map_err(|error| ErrorReply::failed(&error))?;
            Ok(reply::log(job, &log))
        }
    }
}

fn is_read(route: &Route) -> bool {
    route.access == Access::VIEWER
}

fn wants_results(route: &Route, values: &Map<String, Value>) -> bool {
    matches!(route.reply, Reply::Results(_)) && values.get("as_json") == Some(&Value::Bool(true))
}

/// Rejects an unknown API host, because the API token is sent to the host that the request names.
async fn api_host_is_known(api: &Api, values: &Map<String, Value>) -> Result<(), ErrorReply> {
    let named = values.get("proxmox_api_host").and_then(Value::as_str).filter(|host| !host.is_empty());
    let Some(host) = named else { return Ok(()) };
    let known = api.engine.machines().known_api_hosts().await;
    if known.contains(host) {
        return Ok(());
    }
    let detail = "proxmox_api_host is none that inventory, vault or settings name";
    Err(ErrorReply::new(StatusCode::BAD_REQUEST, detail))
}

/// Checks that the inventory exists. Its absence is an installation error, which v0 reports before all others of a
/// run.
async fn inventory_is_there(api: &Api) -> Result<(), ErrorReply> {
    match api.engine.catalog().check_default_inventory().await {
        Ok(()) => Ok(()),
        Err(CatalogError::Content(catalog::Error::NotFound { name, .. })) => Err(no_inventory(api, &name)),
        Err(CatalogError::Content(problem @ catalog::Error::LeavesRoot { .. })) => Err(leaves(&problem)),
        Err(error) => Err(ErrorReply::failed(&error)),
    }
}

/// The error of the reference service: it names the directory if that is missing, otherwise the file.
fn no_inventory(api: &Api, name: &ContentName) -> ErrorReply {
    let directory = &api.options.inventory;
    let Ok(found) = directory.canonicalize() else {
        let text = format!(":: err - INVENTORY DIR  NOT FOUND : {}", directory.display());
        return ErrorReply::new(StatusCode::INTERNAL_SERVER_ERROR, text);
    };
    let name = name.as_str();
    let name = name.strip_suffix(".yml").or_else(|| name.strip_suffix(".yaml")).unwrap_or(name);
    let file = found.join(format!("{name}.yml"));
    ErrorReply::new(StatusCode::BAD_REQUEST, format!(":: err - INVENTORY NOT FOUND : {}", file.display()))
}

fn leaves(problem: &catalog::Error) -> ErrorReply {
    let text = format!(":: err - POTENTIAL PATH TRAVERSAL DETECTED: {problem}");
    ErrorReply::new(StatusCode::BAD_REQUEST, text)
}

/// Waits for the end of the job, as v0 always does. If the service stops first, the job continues. If the client
/// disconnects first, it also continues, unless a setting cancels it.
async fn ended(api: &Api, id: JobId) -> Result<Job, ErrorReply> {
    let mut caller = Waiting::new(api, id);
    let mut shutdown = api.shutdown.clone();
    let job = tokio::select! {
        job = api.engine.jobs().wait(id, Duration::MAX) => job.map_err(|error| ErrorReply::failed(&error)),
        () = shutdown.requested() => {
            let text = "the service is stopping; the job goes on and can be asked for when it is back";
            Err(ErrorReply::new(StatusCode::SERVICE_UNAVAILABLE, text).job(id))
        }
    };
    caller.was_answered = true;
    job
}

/// A client that waits for a job. It is dropped without a response when the client disconnects.
struct Waiting {
    jobs: Jobs,
    job: JobId,
    was_answered: bool,
    cancels: bool,
}

impl Waiting {
    fn new(api: &Api, job: JobId) -> Self {
        Self {
            jobs: api.engine.jobs().clone(),
            job,
            was_answered: false,
            cancels: api.options.cancel_on_disconnect,
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if self.was_answered {
            return;
        }
        tracing::info!(job.id = %self.job, canceled = self.cancels, "the client disconnected before the job finished");
        if self.cancels {
            let (jobs, job) = (self.jobs.clone(), self.job);
            actix_web::rt::spawn(async move {
                if let Err(error) = jobs.cancel(job).await {
                    tracing::warn!(job.id = %job, %error, "the job of a caller who left could not be canceled");
                }
            });
        }
    }
}

fn refused(api: &Api, content: &ContentRef, error: &JobError) -> ErrorReply {
    let problem = match error {
        JobError::Catalog(CatalogError::Content(problem)) => problem,
        JobError::QueueFull(_) => {
            return ErrorReply::new(StatusCode::TOO_MANY_REQUESTS, error.to_string())
                .retry_after(QUEUE_RETRY_S);
        }
        _ => return ErrorReply::failed(error),
    };
    match problem {
        catalog::Error::LeavesRoot { .. } => leaves(problem),
        catalog::Error::NotFound { .. } => not_found(api, content, problem),
        catalog::Error::Io { .. } => ErrorReply::failed(error),
    }
}

/// A missing bundled playbook or second root is an installation error, which v0 reports with 400.
fn not_found(api: &Api, content: &ContentRef, problem: &catalog::Error) -> ErrorReply {
    let options = &api.options;
    match content {
        ContentRef::Playbook(name) => {
            let err = if name.as_str() == "ping" { "" } else { "err - " };
            ErrorReply::new(StatusCode::BAD_REQUEST, format!(":: {err}MISSING PLAYBOOK : {problem}"))
        }
        ContentRef::Bundle(name) | ContentRef::Scenario(name) if !plan::is_recorded_name(name) => {
            plan::bad_name(name.as_str())
        }
        ContentRef::Bundle(_) | ContentRef::Scenario(_) => match &options.missing_public_playbooks {
            Some(directory) => {
                ErrorReply::new(StatusCode::BAD_REQUEST, format!("Invalid playbooks dir: {directory}"))
            }
            None if !options.has_public_playbooks => {
                ErrorReply::new(StatusCode::BAD_REQUEST, ":: err - Missing env var for public_github")
            }
            None => ErrorReply::new(StatusCode::NOT_FOUND, problem.to_string()),
        },
    }
}

/// Whether a row has this path, regardless of its method.
pub(super) fn knows(path: &str) -> bool {
    let matches = |pattern: &str| match pattern.split_once("{name}") {
        None => pattern == path,
        Some((front, back)) => path
            .strip_prefix(front)
            .and_then(|rest| rest.strip_suffix(back))
            .is_some_and(|name| !name.is_empty()),
    };
    rows::all().flat_map(Route::spellings).any(|(_, pattern)| matches(pattern))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_known_with_names_of_many_segments() {
        for (path, is_known) in [
            ("/v0/admin/debug/ping", true),
            ("/v0/admin/run/bundles/a/b/run", true),
            ("/v0/admin/run/bundles//run", false),
            ("/v0/admin/proxmox/network//node/list", true),
            ("/v0/admin/proxmox/network/node/list", true),
            ("/v0/admin", false),
        ] {
            assert_eq!(knows(path), is_known, "{path}");
        }
    }
}
