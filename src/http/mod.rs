//! HTTP: requests to engine verbs, engine answers to replies. Nothing here knows SQL or processes.
//!
//! `v1` is our own interface with typed requests and problem documents; `v0` speaks like the service that it
//! replaces, down to its error texts.

pub mod access;
mod body;
mod cors;
pub mod documents;
mod error;
mod health;
mod isolated_replies;
mod method;
mod metrics;
mod own_headers;
mod problem;
mod request_id;
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
    http::{access::Access, problem::Problem},
    settings::OriginPattern,
};

pub use access::guard;
pub use cors::cors;
pub use isolated_replies::with_isolated_replies;
pub use own_headers::with_own_headers;
pub use request_id::with_request_id;

/// What every handler can use.
#[derive(Debug, Clone)]
pub struct Api {
    engine: Engine,
    access: Access,
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
    pub cancel_when_caller_leaves: bool,
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
    pub fn new(engine: Engine, access: Access, options: Options, shutdown: Shutdown) -> Self {
        Self { engine, access, options: Arc::new(options), shutdown, ansible_checks: Arc::default() }
    }

    /// For whom content is inspected: the caller of this request.
    fn on_behalf(&self, request: &HttpRequest) -> Result<OnBehalf, Problem> {
        self.access.on_behalf(request).ok_or_else(|| {
            let error = std::io::Error::other("a route that inspects content has no caller");
            Problem::internal(&error)
        })
    }

    /// The guard at the door.
    #[must_use]
    pub fn access(&self) -> Access {
        self.access.clone()
    }
}

/// Registers every route.
pub fn configure(api: Api) -> impl FnOnce(&mut ServiceConfig) {
    move |config| {
        let limit = api.options.body_limit_bytes;
        config
            .app_data(web::PayloadConfig::new(limit))
            .app_data(web::Data::new(api))
            .configure(health::routes)
            .configure(metrics::routes)
            .configure(documents::configure)
            .configure(v1::routes)
            .configure(ws::routes)
            .configure(v0::routes)
            .default_service(web::to(ws::unknown_path));
    }
}
