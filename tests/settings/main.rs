//! Settings through the doors a user has: files, variables, the command line, and `rangehand doctor`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod doctor;
mod layers;
mod platforms;
mod project;
mod projects;
mod renamed;
mod secrets;
mod templates;
