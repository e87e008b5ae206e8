//! The catalog: lists, locates, and inspects content.

pub(crate) mod handle;
pub(crate) mod inspections;
pub(crate) mod job_tasks;
pub(crate) mod known_inventories;
pub(crate) mod project;
pub(crate) mod settle;
