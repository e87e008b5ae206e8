//! Converts types of the engine to those of v1: one function for each type of the crate `api`.
//!
//! The functions contain no logic. Values are moved where possible, because reports and events can be large.

mod background;
mod catalog;
mod event;
mod job;
mod plan;
mod progress;
mod queue;
mod range;
mod range_graph;
mod request;
mod time;
mod words;

pub(crate) use self::plan::plan;
pub(in crate::http) use self::{
    background::background_task,
    catalog::{content, entry, inventory},
    event::{event, placed},
    job::{job, result, summary},
    plan::last_plan,
    progress::{artifacts, preview, progress, timing},
    queue::{capacity, owner_lock, queued, running, waiting},
    range::{difference, fault_code, machine, networks, range, reachability_row},
    range_graph::graph,
    time::time,
};
