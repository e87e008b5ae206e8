//! Documents of the API, generated from the list of endpoints: OpenAPI, the gateway configuration, curl scripts,
//! and tables. `serve.rs` serves `/docs`.
//!
//! `cargo test --test docs` compares the generated files in the repository, and updates them if `UPDATE_DOCS=1` is
//! set.

mod curl;
mod kong;
mod openapi;
mod operation;
pub(in crate::http) mod serve;
mod shared;
mod tables;
mod yaml;

pub use curl::curl_utils;
pub use kong::{kong, value as kong_value};
pub use openapi::openapi;
pub use tables::{Listed, api_table, fault_table, problem_table, route_table, routes, v0_table};
