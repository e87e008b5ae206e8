//! Documents of the interface, all made from the list of endpoints: OpenAPI, the gateway's configuration, curl scripts, tables.
//! `serve.rs` serves `/docs`.
//!
//! The files of them in the repository are written by `UPDATE_DOCS=1 cargo test --test docs`, and compared by it.

mod curl;
mod kong;
mod openapi;
mod operation;
mod prepared;
pub(in crate::http) mod serve;
mod shared;
mod tables;
mod yaml;

pub use curl::curl_utils;
pub use kong::{kong, value as kong_value};
pub use openapi::openapi;
pub use tables::{Listed, api_table, fault_table, problem_table, route_table, routes, v0_table};
