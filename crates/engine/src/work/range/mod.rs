//! Plans of ranges as a kind of work: a job carries out one plan as a saga.

mod actions;
pub(crate) mod control;
pub(crate) mod execution;
mod graph;
pub(crate) mod options;
mod outcome;
mod report;
pub(crate) mod running;
mod tasks;
