//! Settings from files, environment variables, and the command line, and `rangehand doctor`.

#![allow(clippy::unwrap_used, reason = "a failed test shows the line")]

mod doctor;
mod layers;
mod platforms;
mod project;
mod projects;
mod renamed;
mod secrets;
mod templates;
