//! State that is available to every handler: the engine, the access guard, options, and the shutdown request.

use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::HttpRequest;
use engine::{Engine, OnBehalf, Shutdown};
use tokio::sync::Mutex;

use super::{access::Guard, problem::Problem};
use crate::{doctor::Check, settings::OriginPattern};

/// The time and the results of the last successful check of Ansible; `None` if it must run again.
pub(super) type KnownChecks = Option<(Instant, Vec<Check>)>;

/// State that is available to every handler.
#[derive(Debug, Clone)]
pub struct Api {
    pub(super) engine: Engine,
    pub(super) guard: Guard,
    pub(super) options: Arc<Options>,
    pub(super) shutdown: Shutdown,
    /// The time and the results of the last check of Ansible.
    pub(super) ansible_checks: Arc<Mutex<KnownChecks>>,
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
    /// The platform for ranges of the Local Deployments Orchestrator, if its API is available.
    pub ldo_platform: Option<String>,
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
    pub(super) fn on_behalf(&self, request: &HttpRequest) -> Result<OnBehalf, Problem> {
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
