//! The HTTP layer: maps requests to operations of the engine, and their results to responses. It uses neither SQL
//! nor processes.
//!
//! `v1` is the current API, with typed requests and problem documents. `v0` is compatible with the service that it
//! replaces, including its error texts.
//!
//! A handler only extracts `Data<Api>`, and calls the handle that it needs: `api.engine.jobs().cancel(id)`.

pub mod access;
mod api;
mod body;
mod cors;
mod current_request;
mod document_body;
pub mod documents;
pub mod endpoint;
mod endpoints;
mod error;
mod health;
mod isolated_replies;
mod ldo;
pub(crate) mod metrics;
mod own_headers;
mod own_page;
mod page;
mod prepared;
mod problem;
mod request_id;
mod routing;
mod upgrade;
mod v0;
mod v1;
mod ws;

use actix_web::web::{self, ServiceConfig};

pub use access::guard;
pub use api::{Api, Options};
pub use cors::cors;
pub use endpoints::endpoints;
pub use isolated_replies::with_isolated_replies;
pub use own_headers::with_own_headers;
pub use request_id::with_request_id;
pub(crate) use v1::shown_plan;

/// Registers every endpoint.
pub fn configure(api: Api) -> impl FnOnce(&mut ServiceConfig) {
    move |config| {
        let limit = api.options.body_limit_bytes;
        config
            .app_data(web::PayloadConfig::new(limit))
            .app_data(web::Data::new(api))
            .configure(|config| routing::register(endpoints(), config));
        documents::serve::prepare();
    }
}
