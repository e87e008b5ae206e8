//! From what the engine knows to what v1 shows: one function for each type of the crate `api`.
//!
//! Nothing is decided here. Values are moved where they can be, because reports and events may be large.

mod background;
mod catalog;
mod event;
mod job;
mod progress;
mod queue;
mod request;
mod time;
mod words;

pub(in crate::http) use self::{
    background::background_task,
    catalog::{content, entry, inventory},
    event::{event, placed},
    job::{job, result, summary},
    progress::{artifacts, preview, progress, timing},
    queue::{capacity, owner_lock, queued, running, waiting},
};
