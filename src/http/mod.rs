//! The HTTP layer: maps requests to operations of the engine, and their results to responses. It uses neither SQL
//! nor processes.
//!
//! `v1` is the current API, with typed requests and problem documents. `v0` is compatible with the service that it
//! replaces, including its error texts.

pub mod access;
mod body;
mod cors;
pub mod documents;
pub mod endpoint;
mod endpoints;
mod error;
mod health;
mod isolated_replies;
pub(crate) mod metrics;
mod own_headers;
mod problem;
mod request_id;
mod routing;
mod upgrade;
mod v0;
mod v1;
mod ws;

use std::{collections::BTreeSet, path::PathBuf, sync::Arc, time::Duration};

use actix_web::{
    HttpRequest,
    web::{self, ServiceConfig},
};
use engine::{Engine, OnBehalf, Shutdown};
use tokio::sync::Mutex;

use crate::{
    http::{access::Guard, problem::Problem},
    settings::OriginPattern,
};

pub use access::guard;
pub use cors::cors;
pub use endpoints::endpoints;
pub use isolated_replies::with_isolated_replies;
pub use own_headers::with_own_headers;
pub use request_id::with_request_id;

/// State that is available to every handler.
#[derive(Debug, Clone)]
pub struct Api {
    engine: Engine,
    guard: Guard,
    options: Arc<Options>,
    shutdown: Shutdown,
    /// The time and the results of the last check of Ansible.
    ansible_checks: Arc<Mutex<health::CachedChecks>>,
}

/// Options of the HTTP layer.
#[derive(Debug)]
pub struct Options {
    /// Maximum size of a request body, in bytes.
    pub body_limit_bytes: usize,
    /// Maximum time that a request can wait for a job.
    pub wait_max: Duration,
    /// Web origins whose pages can call v1.
    pub origins: OriginPattern,
    /// Whether `ansible_*` variables are allowed in requests.
    pub allow_connection_vars: bool,
    /// Variables that v1 requests cannot set.
    pub protected_vars: BTreeSet<String>,
    /// Whether the job of a v0 request is canceled when the client disconnects.
    pub cancel_on_disconnect: bool,
    /// The inventories directory, for the v0 error when it is missing.
    pub inventory: PathBuf,
    /// Whether there is a second playbooks root, for a v0 error.
    pub has_public_playbooks: bool,
    /// The second playbooks root if it is configured but missing, for a v0 error.
    pub missing_public_playbooks: Option<String>,
}

impl Api {
    /// Creates the API of an engine; `shutdown` ends waiting requests.
    #[must_use]
    pub fn new(engine: Engine, guard: Guard, options: Options, shutdown: Shutdown) -> Self {
        Self { engine, guard, options: Arc::new(options), shutdown, ansible_checks: Arc::default() }
    }

    /// The caller of this request, on whose behalf content is inspected.
    fn on_behalf(&self, request: &HttpRequest) -> Result<OnBehalf, Problem> {
        self.guard.on_behalf(request).ok_or_else(|| {
            let error = std::io::Error::other("a route that inspects content has no caller");
            Problem::internal(&error)
        })
    }

    /// The guard that the access-control middleware uses.
    #[must_use]
    pub fn guard(&self) -> Guard {
        self.guard.clone()
    }
}

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
