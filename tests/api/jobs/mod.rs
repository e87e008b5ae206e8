//! Jobs over HTTP: submitted, read, ended.

mod endings;
mod events;
mod faulty;
mod list;
mod options;
mod outcomes;
mod submission;
mod unicode;
