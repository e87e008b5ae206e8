//! `/v1/background-tasks`: the status of the background tasks of this node.
//!
//! It is separate from `/v1/queue`, because the queue covers all nodes and is read from the database. The tasks are
//! those of one node, and they must be visible when the database doesn't respond.

use actix_web::{HttpResponse, web::Data};

use super::{job::BAD_QUERY, query::Parameters, view};
use crate::http::{
    api::Api,
    endpoint::{Access, Doc, Endpoint, Reply, Schemas, Verb},
    health,
    problem::Problem,
};

pub(super) fn endpoint() -> Endpoint {
    let about = "The tasks of the node that replies, and the last activation of each";
    let doc =
        Doc::new("list_background_tasks", health::TAG, "Lists background tasks with their last results.")
            .replies([Reply::json(200, about, Schemas::of::<api::BackgroundTasks>)])
            .problems([BAD_QUERY]);
    Endpoint::new(Verb::Get, "/v1/background-tasks", Access::VIEWER, list, doc)
}

async fn list(api: Data<Api>, query: Parameters) -> Result<HttpResponse, Problem> {
    query.only_known()?;
    let items = api.engine.background().tasks().into_iter().map(view::background_task).collect();
    Ok(HttpResponse::Ok().json(api::BackgroundTasks { node: api.engine.node().to_owned(), items }))
}
