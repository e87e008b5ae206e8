//! What every handler can use: the engine, the access control, options, and the signal of the end.

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

/// The last good result of the checks of Ansible, and when it was; `None` when Ansible has to be checked.
pub(super) type KnownChecks = Option<(Instant, Vec<Check>)>;

/// What every handler can use.
#[derive(Debug, Clone)]
pub struct Api {
    pub(super) engine: Engine,
    pub(super) guard: Guard,
    pub(super) options: Arc<Options>,
    pub(super) shutdown: Shutdown,
    /// What Ansible answered last, and when.
    pub(super) ansible_checks: Arc<Mutex<KnownChecks>>,
}

/// Options of the HTTP interface.
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
