//! HTTP: requests to engine verbs, engine answers to replies. Nothing here knows SQL or processes.
//!
//! `v1` is our own interface with typed requests and problem documents; `v0` speaks like the service that it
//! replaces, down to its error texts.

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

/// What every handler can use.
#[derive(Debug, Clone)]
pub struct Api {
    engine: Engine,
    guard: Guard,
    options: Arc<Options>,
    shutdown: Shutdown,
    /// What Ansible answered last, and when.
    ansible_checks: Arc<Mutex<health::Known>>,
}

/// What the HTTP floor is told at its start.
#[derive(Debug)]
pub struct Options {
    /// The longest request body in bytes.
    pub body_limit_bytes: usize,
    /// The longest time that a request may wait for a job.
    pub wait_max: Duration,
    /// Pages of these origins may call v1 from a browser.
    pub origins: OriginPattern,
    /// Are `ansible_*` variables allowed in requests?
    pub allow_connection_vars: bool,
    /// Variables that requests of v1 may not set.
    pub protected_vars: BTreeSet<String>,
    /// Is the job of a v0 call canceled when the caller leaves?
    pub cancel_on_disconnect: bool,
    /// The inventories; v0 names them when they are missing.
    pub inventory: PathBuf,
    /// Is there a second playbooks root? v0 says so when it is missing.
    pub has_public_playbooks: bool,
    /// The second playbooks root, when it is set but not there; v0 names it.
    pub missing_public_playbooks: Option<String>,
}

impl Api {
    /// For this engine; `shutdown` ends what waits.
    #[must_use]
    pub fn new(engine: Engine, guard: Guard, options: Options, shutdown: Shutdown) -> Self {
        Self { engine, guard, options: Arc::new(options), shutdown, ansible_checks: Arc::default() }
    }

    /// For whom content is inspected: the caller of this request.
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
