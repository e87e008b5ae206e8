//! The access guard: its state, and what handlers ask of it.

use std::sync::Arc;

use actix_web::{HttpMessage, HttpRequest};
use engine::{Auditor, OnBehalf, Shutdown, Tokens};
use model::{AuditKind, Role};

use super::{
    audit,
    caller::{Caller, Client},
    held::{HeldMemory, Reservation},
    jwt::{Error as JwtError, KeyLocation, Options as JwtOptions, Source},
    limiter::{Limiter, Rate},
    options::Options,
    places::Places,
    reply,
    watchers::{WatcherSlot, Watchers},
};
use crate::http::{
    endpoint::Endpoint,
    problem::{Problem, ProblemCode},
};

/// Rate of authentication failures per client; beyond it, the response is 429 without a reason.
const REFUSED: Rate = Rate { per_minute: 6000, burst: 1000 };

/// The access guard; clones share its state.
#[derive(Debug, Clone)]
pub struct Guard(pub(super) Arc<Inner>);

/// The state of a guard.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) options: Options,
    pub(super) tokens: Tokens,
    pub(super) auditor: Auditor,
    pub(super) keys: Option<Source>,
    pub(super) limiter: Limiter,
    pub(super) watchers: Watchers,
    /// Memory of request bodies that are being received.
    pub(super) bodies: HeldMemory,
    /// Memory of responses that are being sent.
    pub(super) replies: HeldMemory,
    pub(super) places: Places,
}

impl Guard {
    /// Creates a guard. The keys of an issuer are loaded: a key file must be readable, while a URL can become
    /// available later.
    ///
    /// # Errors
    /// When the key file cannot be used.
    pub async fn new(
        options: Options,
        tokens: Tokens,
        auditor: Auditor,
        endpoints: &'static [Endpoint],
    ) -> Result<Self, JwtError> {
        let keys = match &options.jwt {
            Some(jwt) => Some(load_source(jwt).await?),
            None => None,
        };
        let limiter = Limiter::new(options.reads, options.writes, REFUSED);
        let watchers = Watchers::new(options.watchers);
        let (bodies, replies, places) =
            (HeldMemory::default(), HeldMemory::default(), Places::new(endpoints));
        let inner = Inner { options, tokens, auditor, keys, limiter, watchers, bodies, replies, places };
        Ok(Self(Arc::new(inner)))
    }

    /// Tracks the memory of a request body.
    pub(crate) fn reservation(&self, request: &HttpRequest) -> Reservation {
        let client = request.extensions().get::<Client>().cloned().unwrap_or(Client::Others);
        self.0.bodies.reservation(client)
    }

    /// Opens a stream or WebSocket, until the service stops or the credentials of the caller are no longer valid.
    pub(crate) fn slot(&self, request: &HttpRequest, shutdown: &Shutdown) -> Result<WatcherSlot, Problem> {
        let extensions = request.extensions();
        let client = extensions.get::<Client>().cloned().unwrap_or(Client::Others);
        if !self.0.replies.has_capacity(&client, self.0.options.unread.quota) {
            return Err(reply::too_much_unread());
        }
        let slot = self.0.watchers.enter(client, shutdown).ok_or_else(|| {
            let detail = "as many streams are open as may be, of this client or in all";
            Problem::new(ProblemCode::TooManyWatchers, detail)
                .hint("`limits.watchers_per_client` and `limits.watchers` set the limits")
        })?;
        Ok(match extensions.get::<Caller>() {
            Some(caller) => slot.while_authorized(caller, &self.0.tokens),
            None => slot,
        })
    }

    /// The caller on whose behalf content is inspected; `None` for an endpoint that needs no authentication.
    pub(crate) fn on_behalf(&self, request: &HttpRequest) -> Option<OnBehalf> {
        let extensions = request.extensions();
        let caller = extensions.get::<Caller>()?;
        let endpoint = extensions.get::<&'static Endpoint>().copied();
        let draft = audit::draft(AuditKind::Intent, caller, request, endpoint);
        let record = model::AuditDraft { route: String::new(), ..draft };
        Some(OnBehalf { auditor: self.0.auditor.clone(), record, may_run: caller.role >= Role::Operator })
    }

    /// Stores a denial before the response is sent, so that every denial that was sent is in the audit log. If it
    /// cannot be stored, the request is denied nevertheless.
    pub(super) async fn deny(&self, denied: model::AuditDraft) {
        if let Err(error) = self.0.auditor.store(denied).await {
            tracing::error!(%error, "a denial is missing in the audit");
        }
    }
}

async fn load_source(options: &JwtOptions) -> Result<Source, JwtError> {
    let source = Source::new(options.keys.clone(), options.refresh)?;
    match (source.load().await, &options.keys) {
        (Err(error), KeyLocation::File(_)) => return Err(error),
        (Err(error), KeyLocation::Address(address)) => {
            tracing::warn!(%error, address, "the issuer of JWTs does not answer; it is asked again");
        }
        (Ok(()), _) => {}
    }
    Ok(source)
}
