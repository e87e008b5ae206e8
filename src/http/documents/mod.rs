//! Documents of the interface, all made from the same rows: OpenAPI, the gateway's configuration, curl scripts, tables.
//! `serve.rs` serves `/docs`.
//!
//! The files of them in the repository are written by `UPDATE_DOCS=1 cargo test --test docs`, and compared by it.

mod curl;
mod field_schema;
mod kong;
mod openapi;
mod operation;
mod own;
mod prepared;
mod serve;
mod shared;
mod tables;
mod v0;
mod yaml;

pub use curl::curl_utils;
pub use kong::{kong, value as kong_value};
pub use openapi::openapi;
pub use operation::{Listed, routes};
pub use tables::{route_table, v0_table};

pub(super) use serve::routes as configure;

#[cfg(test)]
pub(super) use field_schema::example;
