//! The API of the Local Deployments Orchestrator, a service that Rangehand can replace: ranges as trees of nodes and links.
//!
//! A range of a client with the ID `UUID` is the range `ldo-UUID`. The graph is stored with its document, and returned as it was
//! sent. Everything else is that of other ranges: plans, jobs, and `/v1/ranges`. `docs/ldo.md` lists where the orchestrator was
//! wrong, and what happens instead.

mod change;
pub(super) mod error_reply;
mod look;
mod scope;

use actix_web::HttpResponse;
use serde_json::json;

use self::{error_reply::ErrorReply, scope::platform};
use crate::http::{
    api::Api,
    endpoint::{Access, Body, Doc, Endpoint, Parameter, Reply, Schemas, Verb},
};

const TAG: &str = "orchestrator";

/// Headers of replies to changes.
const JOB: &[(&str, &str)] = &[("X-Rangehand-Job", "The job of this request: see `/v1/jobs/{id}`")];

pub(super) fn endpoints() -> Vec<Endpoint> {
    let id = || {
        Parameter::path("range_id", |_| json!({"type": "string", "format": "uuid"}), "The ID of the range")
    };
    let error = |status: u16, about: &'static str| Reply::json(status, about, Schemas::of::<api::ldo::Error>);
    let graph = Body::new(Schemas::of::<api::ldo::Graph>, || {
        json!({
            "range_metadata": {"id": "00000000-0000-4000-8000-000000000001", "name": "Demo"},
            "nodes": [
                {"id": "j", "label": "Jump Box", "template_id": 100, "role": "jumpbox_main"},
                {"id": "a", "label": "Web_01", "template_id": 100, "role": "service"},
            ],
            "links": [{"source": "j", "target": "a"}],
        })
    });
    let create = Doc::new("ldo_apply_range", TAG, "Creates a range from a graph, or changes it.")
        .about("The graph is a tree with one main jumpbox. The same graph again changes nothing.")
        .body(graph)
        .replies([
            Reply::json(200, "Accepted and stored", Schemas::of::<api::ldo::Status>).headers(JOB),
            error(400, "The topology is invalid; `errors` has everything that is wrong, with the IDs"),
            error(409, "A job is still changing the range"),
            error(413, "The body is longer than 10 MiB"),
            error(415, "The content type isn't JSON"),
            error(422, "Fields are invalid"),
            error(503, "The platform can't be used"),
        ]);
    let list = Doc::new("ldo_list_ranges", TAG, "Lists the ranges of this API.").replies([Reply::json(
        200,
        "All ranges",
        |schemas| json!({"type": "array", "items": schemas.of::<api::ldo::Range>()}),
    )]);
    let show = Doc::new("ldo_show_range", TAG, "Shows a range.").parameters([id()]).replies([
        Reply::json(200, "The range", Schemas::of::<api::ldo::Range>),
        error(404, "No such range"),
        error(422, "The ID isn't a UUID"),
    ]);
    let delete = Doc::new("ldo_delete_range", TAG, "Deletes all machines and networks of a range.")
        .about("A job that is changing the range is canceled first.")
        .parameters([id()])
        .replies([
            Reply::json(200, "Nothing of it exists any more", Schemas::of::<api::ldo::Status>).headers(JOB),
            Reply::json(202, "It takes longer than `server.wait_max_s`", Schemas::of::<api::ldo::Status>)
                .headers(JOB),
            error(404, "No such range"),
            error(409, "A job is still changing the range"),
            error(422, "The ID isn't a UUID"),
            error(500, "Something could not be deleted"),
            error(503, "The platform can't be used"),
        ]);
    vec![
        Endpoint::new(Verb::Post, "/api/v1/range", Access::OPERATOR, change::apply, create),
        Endpoint::new(Verb::Get, "/api/v1/ranges", Access::VIEWER, look::list, list),
        Endpoint::new(Verb::Get, "/api/v1/range/{range_id}", Access::VIEWER, look::show, show),
        Endpoint::new(Verb::Delete, "/api/v1/range/{range_id}", Access::OPERATOR, change::delete, delete),
    ]
}

/// Returns that the API is online, as the orchestrator does at `/`, where Rangehand also has its page.
pub(super) fn online(api: &Api) -> Result<HttpResponse, ErrorReply> {
    let platform = platform(api)?;
    let kind = api.engine.ranges().platforms().get(platform).map(|entry| entry.kind);
    let mode = if kind.is_none_or(|kind| kind == "simulated") { "Mock" } else { "Production" };
    Ok(HttpResponse::Ok()
        .json(api::ldo::Online { message: "Cyber Range API is Online".to_owned(), mode: mode.to_owned() }))
}
