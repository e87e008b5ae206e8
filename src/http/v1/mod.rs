//! API version 1: typed requests, one function per operation, and problem documents.

mod all_events;
mod artifacts;
mod background;
mod caller;
mod catalog;
mod events;
mod fields;
mod job;
mod job_request;
mod jobs;
mod log;
mod platforms;
mod query;
mod queue;
mod range;
mod range_actions;
mod range_body;
mod range_error;
mod range_faults;
mod range_reply;
mod range_views;
mod ranges;
mod resume;
mod stream;
mod timing;
mod view;

use super::endpoint::Endpoint;

pub(super) use job::job_parameter;
pub(crate) use view::plan as shown_plan;

/// All endpoints except for those of the catalog, in the order of the documents.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let mut endpoints = jobs::endpoints();
    endpoints.extend(job::endpoints());
    endpoints.extend([resume::endpoint(), timing::endpoint()]);
    endpoints.extend(artifacts::endpoints());
    endpoints.extend([queue::endpoint(), background::endpoint(), caller::endpoint()]);
    endpoints.extend([events::endpoint(), all_events::endpoint(), log::endpoint()]);
    endpoints.extend(ranges::endpoints());
    endpoints.extend(range::endpoints());
    endpoints.extend(range_actions::endpoints());
    endpoints.extend(range_views::endpoints());
    endpoints.extend(platforms::endpoints());
    endpoints
}

/// The endpoints of the catalog, which follow the WebSockets in the documents.
pub(super) fn catalog_endpoints() -> Vec<Endpoint> {
    catalog::endpoints()
}
