//! Authentication and authorization middleware. Every request passes it before it reaches its handler.
//!
//! ```text
//!  path too long? --> 414   unknown host name? [host] --> 421
//!  authenticated? [decide] --no--> 401, or 429 after too many attempts
//!  within the rate limit? [limiter] --no--> 429
//!  embedded in a page of another origin? [site] --> 403
//!  sent by a page of an unknown origin, without a preflight? --> 403
//!  authorized for the endpoint? [places] --not listed--> 403   --role too low--> 403, audited
//!  a change? [audit] --intent cannot be stored--> 503
//!  the handler --> the result goes into the audit log
//! ```
//! The CORS middleware runs before this one, so that pages can read rejections, too. It answers preflight requests
//! itself.

mod audit;
mod caller;
mod change;
mod decide;
mod gateway;
mod groups;
mod held;
mod host;
mod jwt;
mod limiter;
mod places;
mod reply;
mod site;
#[cfg(test)]
mod tests;
mod unread;
mod watchers;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::{
    Error, HttpMessage, HttpRequest,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{Method, header},
    middleware::Next,
    web::Query,
};
use engine::{Auditor, OnBehalf, Shutdown, Tokens};
use model::{AuditKind, Role};

use self::{
    caller::Client,
    decide::{Credential, LookedUp, Presented, Refusal, credential},
    held::HeldMemory,
    jwt::Source,
    limiter::{Kind, Limiter},
    places::{Places, Target},
    reply::Reply,
    watchers::Watchers,
};
use super::{
    endpoint::{Access, Effect, Endpoint, allow},
    problem::{Problem, ProblemCode},
    upgrade::upgrades,
};
use crate::settings::OriginPattern;

pub(crate) use self::{
    caller::Caller,
    change::{Change, ForeignOrigin},
    held::Room,
    watchers::Seat,
};
pub use self::{
    gateway::Gateway,
    groups::Groups,
    held::Most,
    host::Hosts,
    jwt::{Error as JwtError, KeyLocation, Options as JwtOptions, Rules as JwtRules},
    limiter::Rate,
    unread::Unread,
};

/// Maximum length of a path with its query, in bytes. Each name in it has at most 255.
const MAX_TARGET_BYTES: usize = 8192;
/// Request duration after which credentials are checked again before the response is sent.
const LONG: Duration = Duration::from_secs(1);
/// Rate of authentication failures per client; beyond it, the response is 429 without a reason.
const REFUSED: Rate = Rate { per_minute: 6000, burst: 1000 };

/// An authentication method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Nobody asks.
    None,
    /// A gateway says so.
    Gateway,
    /// By API tokens.
    Token,
    /// By JWTs.
    Jwt,
}

/// Options of the guard.
#[derive(Debug, Clone)]
pub struct Options {
    /// The accepted authentication methods.
    pub modes: Vec<Mode>,
    /// The trusted gateways. Their client addresses are used in every mode, and their consumers in mode `gateway`.
    pub gateway: Gateway,
    /// The roles of groups.
    pub groups: Groups,
    /// Options of JWT verification, if mode `jwt` is used.
    pub jwt: Option<JwtOptions>,
    /// The host names that requests can use.
    pub hosts: Hosts,
    /// Web origins whose pages can use the API.
    pub origins: OriginPattern,
    /// Whether metrics are available without authentication.
    pub open_metrics: bool,
    /// Rate limit of reads per client.
    pub reads: Rate,
    /// Rate limit of changes per client.
    pub writes: Rate,
    /// Maximum number of open streams, per client and in total.
    pub watchers: Most,
    /// Limits on unread response data.
    pub unread: Unread,
}

impl Options {
    fn has(&self, mode: Mode) -> bool {
        self.modes.contains(&mode)
    }
}

/// The access guard; clones share its state.
#[derive(Debug, Clone)]
pub struct Guard(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: Options,
    tokens: Tokens,
    auditor: Auditor,
    keys: Option<Source>,
    limiter: Limiter,
    watchers: Watchers,
    /// Memory of request bodies that are being received.
    bodies: HeldMemory,
    /// Memory of responses that are being sent.
    replies: HeldMemory,
    places: Places,
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
    pub(crate) fn room(&self, request: &HttpRequest) -> Room {
        let client = request.extensions().get::<Client>().cloned().unwrap_or(Client::Others);
        self.0.bodies.room(client)
    }

    /// Opens a stream or WebSocket, until the service stops or the credentials of the caller are no longer valid.
    pub(crate) fn seat(&self, request: &HttpRequest, shutdown: &Shutdown) -> Result<Seat, Problem> {
        let extensions = request.extensions();
        let client = extensions.get::<Client>().cloned().unwrap_or(Client::Others);
        if !self.0.replies.has_room(&client, self.0.options.unread.most) {
            return Err(reply::too_much_unread());
        }
        let seat = self.0.watchers.enter(client, shutdown).ok_or_else(|| {
            let detail = "as many streams are open as may be, of this client or in all";
            Problem::new(ProblemCode::TooManyWatchers, detail)
                .hint("`limits.watchers_per_client` and `limits.watchers` set the limits")
        })?;
        Ok(match extensions.get::<Caller>() {
            Some(caller) => seat.while_authorized(caller, &self.0.tokens),
            None => seat,
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

    /// Looks up the required data, and authenticates the request.
    async fn authenticate(&self, request: &ServiceRequest) -> Result<Caller, Refusal> {
        let access_token = token_of_websocket(request);
        let asked = asked(request, access_token.as_deref());
        let mut known = Fetched::default();
        match credential(&asked) {
            Some(Credential::Token { id, .. }) if self.0.options.has(Mode::Token) => {
                let found = self.0.tokens.find(id).await.map_err(|error| {
                    tracing::error!(%error, "a token could not be looked up");
                    Refusal::Unavailable("the store does not answer")
                })?;
                known.token = found;
            }
            Some(Credential::Jwt(text)) => {
                if let Some(source) = &self.0.keys {
                    let id = jwt::key_id(text).ok_or(Refusal::BadCredentials("it is no JWT"))?;
                    known.keys = source.keys(id.as_deref()).await;
                }
            }
            _ => {}
        }
        let now = audit::now();
        let facts = LookedUp { token: known.token.as_ref(), keys: known.keys.as_deref(), now };
        let caller = decide::decide(&asked, &facts, &self.0.options)?;
        if let (caller::Via::Token(id), Some(token)) = (&caller.via, &known.token) {
            let (tokens, id, noted) = (self.0.tokens.clone(), id.clone(), token.used_at);
            actix_web::rt::spawn(async move { tokens.used(&id, noted).await });
        }
        Ok(caller)
    }

    fn refuse(&self, request: &ServiceRequest, refusal: Refusal) -> actix_web::HttpResponse {
        let path = request.path();
        let address = decide::address(&asked(request, None), &self.0.options);
        let counted = self.0.limiter.count(Client::at(address), Kind::Rejected, Instant::now());
        if self.logs(request) {
            tracing::warn!(
                client.address = ?address.client(),
                http.method = shortened(request.method().as_str()),
                http.path = shortened(path),
                why = ?refusal,
                "a caller was not let in"
            );
        }
        match counted {
            Ok(()) => Reply::refusal(refusal).response(path),
            Err(wait) => Reply::too_many().response_after(path, wait),
        }
    }

    /// Whether the rejection of this request is logged. At most one per client and second is, so that many requests
    /// do not fill the log.
    fn logs(&self, request: &ServiceRequest) -> bool {
        let address = decide::address(&asked(request, None), &self.0.options);
        let logs = self.0.limiter.logs(Client::at(address), Instant::now());
        request.extensions_mut().insert(Rejected);
        logs
    }
}

/// Request extension: the guard rejected the request, so the request itself is not logged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rejected;

/// Maximum length of request data in a log line, in characters.
const LOGGED_CHARACTERS: usize = 200;

/// Shortens a string of a client for the log.
pub(crate) fn shortened(text: &str) -> &str {
    text.char_indices().nth(LOGGED_CHARACTERS).map_or(text, |(end, _)| &text[..end])
}

/// Data that was looked up for a request.
#[derive(Default)]
struct Fetched {
    token: Option<model::Token>,
    keys: Option<Arc<jwt::Keys>>,
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

fn asked<'a>(request: &'a ServiceRequest, access_token: Option<&'a str>) -> Presented<'a> {
    Presented { headers: request.headers(), peer: request.peer_addr().map(|peer| peer.ip()), access_token }
}

/// A page cannot set headers of a WebSocket, so only there the token is accepted in the query.
fn token_of_websocket(request: &ServiceRequest) -> Option<String> {
    if !upgrades(request.headers()) || !request.path().starts_with("/ws/") {
        return None;
    }
    let query = Query::<Vec<(String, String)>>::from_query(request.query_string()).ok()?;
    query.into_inner().into_iter().find(|(name, _)| name == "access_token").map(|(_, token)| token)
}

/// The middleware.
///
/// # Errors
/// Errors of the handler.
pub async fn guard(
    guard: Guard,
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    if target > MAX_TARGET_BYTES {
        request.extensions_mut().insert(Rejected);
        let response = Reply::path_too_long(MAX_TARGET_BYTES).response(request.path());
        return Ok(request.into_response(response));
    }
    if !guard.has_known_host(&request) {
        let response = Reply::unknown_host().response(request.path());
        return Ok(request.into_response(response));
    }
    let path = request.match_info().as_str();
    let target = guard.0.places.find(request.method().as_str(), path, request.resource_map());
    let access = guard.access(&target);
    let known = guard.authenticate(&request).await;
    remove_credentials(&mut request);
    let caller = match (known, access) {
        (Ok(caller), _) => Some(caller),
        (Err(_), Some(Access::Open)) => None,
        (Err(refusal), _) => {
            let response = guard.refuse(&request, refusal);
            return Ok(request.into_response(response));
        }
    };
    guard.serve(caller, target, access, request, next).await
}

/// Removes credentials, which later layers and handlers do not need.
fn remove_credentials(request: &mut ServiceRequest) {
    for name in [gateway::CONSUMER, gateway::GROUPS, gateway::ANONYMOUS, header::AUTHORIZATION.as_str()] {
        request.headers_mut().remove(name);
    }
}

impl Guard {
    /// The access requirement of a target; `None` if there is no endpoint, and only an authenticated caller gets
    /// the specific error.
    fn access(&self, target: &Target) -> Option<Access> {
        match target {
            Target::Endpoint(endpoint) => Some(endpoint.access.with_settings(self.0.options.open_metrics)),
            Target::WrongMethod(_) | Target::Unlisted(_) | Target::Unknown => None,
        }
    }

    fn has_known_host(&self, request: &ServiceRequest) -> bool {
        let is_ours = self
            .0
            .options
            .hosts
            .allow(request.headers(), request.uri().authority().map(|name| name.as_str()));
        if !is_ours {
            let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
            if self.logs(request) {
                let host = shortened(host.unwrap_or_default());
                tracing::warn!(http.host = host, "a caller named a host that is not this one");
            }
        }
        is_ours
    }

    async fn serve(
        &self,
        caller: Option<Caller>,
        target: Target,
        access: Option<Access>,
        request: ServiceRequest,
        next: Next<impl MessageBody + 'static>,
    ) -> Result<ServiceResponse<BoxBody>, Error> {
        let path = request.path().to_owned();
        let client = match &caller {
            Some(caller) => Client::of(caller),
            None => Client::at(decide::address(&asked(&request, None), &self.0.options)),
        };
        let effect = effect(&request, &target);
        let changes = effect == Effect::Change;
        let kind = if changes { Kind::Write } else { Kind::Read };
        if effect != Effect::Probe
            && let Err(wait) = self.0.limiter.count(client.clone(), kind, Instant::now())
        {
            request.extensions_mut().insert(Rejected);
            return Ok(request.into_response(Reply::too_many().response_after(&path, wait)));
        }
        match &target {
            Target::WrongMethod(endpoints) => {
                return Ok(request.into_response(reply::wrong_method(&path, allow(endpoints))));
            }
            Target::Unlisted(pattern) => {
                tracing::error!(
                    http.route = pattern,
                    "a path that is no endpoint is registered: calls are rejected"
                );
                return Ok(request.into_response(Reply::unlisted().response(&path)));
            }
            Target::Endpoint(_) | Target::Unknown => {}
        }
        if access != Some(Access::Open) && site::is_embedded_elsewhere(request.headers()) {
            return Ok(request.into_response(Reply::embedded().response(&path)));
        }
        let may_change = matches!(effect, Effect::MayStartJob | Effect::Change);
        let room = self.0.replies.room(client.clone());
        if self.is_foreign(&request) {
            if may_change && !is_json(&request) {
                return Ok(request.into_response(Reply::forged().response(&path)));
            }
            request.extensions_mut().insert(ForeignOrigin);
        }
        request.extensions_mut().insert(client);
        let endpoint = if let Target::Endpoint(endpoint) = target { Some(endpoint) } else { None };
        if let Some(endpoint) = endpoint {
            request.extensions_mut().insert(endpoint);
        }
        let Some(caller) = caller else {
            return Ok(self.counted(next.call(request).await?, room, !may_change, &path));
        };
        if let Some(Access::Role(needs)) = access
            && caller.role < needs
        {
            if changes {
                let denied = audit::draft(AuditKind::Denied, &caller, request.request(), endpoint);
                self.deny(model::AuditDraft { status: Some(403), ..denied }).await;
            }
            let response = Reply::role_too_low(caller.role, needs).response(&path);
            return Ok(request.into_response(response));
        }
        let draft = may_change.then(|| audit::draft(AuditKind::Intent, &caller, request.request(), endpoint));
        let (intent, later) = if changes { (draft, None) } else { (None, draft) };
        if let Some(draft) = later {
            let change = Change::new(self.clone(), client_of(&request), caller.role, draft);
            request.extensions_mut().insert(change);
        }
        let (via, expires_at, begun) = (caller.via.clone(), caller.expires_at, Instant::now());
        request.extensions_mut().insert(caller);
        let response = match intent {
            Some(intent) => self.audited(intent, request, next).await?,
            None => next.call(request).await?.map_into_boxed_body(),
        };
        // A request can wait for a job for longer than its token is valid.
        if begun.elapsed() >= LONG && watchers::is_unauthorized(&via, expires_at, &self.0.tokens).await {
            let refusal = Refusal::BadCredentials("they were revoked or expired while the request waited");
            return Ok(response.into_response(Reply::refusal(refusal).response(&path)));
        }
        Ok(self.counted(response, room, !may_change, &path))
    }

    /// Returns the response, counted until it was read, or an error if its client has too much unread data.
    fn counted(
        &self,
        response: ServiceResponse<impl MessageBody + 'static>,
        room: Room,
        may_refuse: bool,
        path: &str,
    ) -> ServiceResponse<BoxBody> {
        let request = response.request().clone();
        let counted = self.0.options.unread.count(response, room, may_refuse);
        counted.unwrap_or_else(|| {
            let refusal = Reply::too_much_unread().response_after(path, Duration::from_secs(1));
            ServiceResponse::new(request, refusal)
        })
    }

    /// Whether a page of an origin that is not allowed sends the request. Browsers send requests without a body, or
    /// with some body types, without a preflight; the guard rejects these. JSON bodies require a preflight, which
    /// CORS rejects. A page whose host name resolves to this machine needs no preflight, so handlers that start
    /// something also reject such origins.
    fn is_foreign(&self, request: &ServiceRequest) -> bool {
        let mut origins = request.headers().get_all(header::ORIGIN);
        origins.any(|origin| !origin.to_str().is_ok_and(|origin| self.0.options.origins.allows(origin)))
    }

    /// Stores a denial before the response is sent, so that every denial that was sent is in the audit log. If it
    /// cannot be stored, the request is denied nevertheless.
    async fn deny(&self, denied: model::AuditDraft) {
        if let Err(error) = self.0.auditor.store(denied).await {
            tracing::error!(%error, "a denial is missing in the audit");
        }
    }

    async fn audited(
        &self,
        intent: model::AuditDraft,
        request: ServiceRequest,
        next: Next<impl MessageBody + 'static>,
    ) -> Result<ServiceResponse<BoxBody>, Error> {
        let served = match audit::Served::begin(&self.0.auditor, intent).await {
            Ok(served) => served,
            Err(error) => {
                tracing::error!(%error, "a change was refused: it would not be in the audit");
                let response = Reply::no_audit().response(request.path());
                return Ok(request.into_response(response));
            }
        };
        let answer = next.call(request).await;
        served.end(answer.as_ref());
        Ok(answer?.map_into_boxed_body())
    }
}

/// The effect of the request, if it is permitted. Requests without an endpoint have no effect, but methods that
/// could change something are treated as if they might start a job, so that pages of other origins learn nothing
/// from the response.
fn effect(request: &ServiceRequest, target: &Target) -> Effect {
    match target {
        Target::Endpoint(endpoint) => endpoint.effect,
        Target::WrongMethod(endpoints)
            if endpoints.iter().any(|endpoint| endpoint.effect == Effect::Probe) =>
        {
            Effect::Probe
        }
        Target::WrongMethod(_) | Target::Unlisted(_) | Target::Unknown => match *request.method() {
            Method::GET | Method::HEAD | Method::OPTIONS => Effect::Read,
            _ => Effect::MayStartJob,
        },
    }
}

fn is_json(request: &ServiceRequest) -> bool {
    let media_type = request.headers().get(header::CONTENT_TYPE).and_then(|media| media.to_str().ok());
    let essence = media_type.unwrap_or_default().split([';', ',']).next().unwrap_or_default().trim();
    essence.to_ascii_lowercase().ends_with("json")
}

fn client_of(request: &ServiceRequest) -> Client {
    request.extensions().get::<Client>().cloned().unwrap_or(Client::Others)
}
