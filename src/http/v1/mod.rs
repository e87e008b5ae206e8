//! Version 1: our own interface. Typed requests, one function per verb, problem documents.

mod all_events;
mod artifacts;
mod background;
mod catalog;
mod events;
mod fields;
mod job;
mod job_request;
mod jobs;
mod log;
mod query;
mod queue;
mod resume;
mod stream;
mod timing;
mod view;

use super::endpoint::Endpoint;

pub(super) use job::job_parameter;

/// All but those of the catalog, in the order of the documents.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let mut endpoints = jobs::endpoints();
    endpoints.extend(job::endpoints());
    endpoints.extend([resume::endpoint(), timing::endpoint()]);
    endpoints.extend(artifacts::endpoints());
    endpoints.extend([queue::endpoint(), background::endpoint()]);
    endpoints.extend([events::endpoint(), all_events::endpoint(), log::endpoint()]);
    endpoints
}

/// Those of the catalog, which the documents have after the WebSockets.
pub(super) fn catalog_endpoints() -> Vec<Endpoint> {
    catalog::endpoints()
}
