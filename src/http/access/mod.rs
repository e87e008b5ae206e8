//! Who may come in: every call passes here before it reaches its route.
//!
//! ```text
//!  path too long? --> 414   called by a name that is not ours? [host] --> 421
//!  who calls? [decide] --no--> 401, and 429 for who tries too often
//!  has it calls left? [limiter] --no--> 429
//!  embedded in a page of another origin? [site] --> 403
//!  sent by a page of strangers, without asking first? --> 403
//!  what does the route ask for? [routes] --not listed--> 403   --role too low--> 403, audited
//!  does it change something? [audit] --intent cannot be stored--> 503
//!  the route --> the result goes into the audit
//! ```
//! CORS stands before all this, so that pages may read refusals too, and answers preflights itself.

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
mod reply;
mod routes;
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
    http::{Method, StatusCode, header},
    middleware::Next,
    web::Query,
};
use engine::{Auditor, OnBehalf, Shutdown, Tokens};
use model::{AuditKind, Role};

use self::{
    caller::Client,
    decide::{Asked, Credential, Known, Refusal, credential},
    held::Held,
    jwt::Source,
    limiter::{Kind, Limiter},
    reply::Reply,
    routes::{Place, Places},
    watchers::Watchers,
};
use super::{problem::Problem, ws::upgrades};
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
    jwt::{Error as JwtError, Options as JwtOptions, Place as KeysPlace, Rules as JwtRules},
    limiter::Rate,
    routes::{Permission, Row, routes},
    unread::Unread,
};

/// The longest path with its query, in bytes: names have at most 255 each.
const MAX_TARGET_BYTES: usize = 8192;
/// After how much time credentials are checked again before a response.
const LONG: Duration = Duration::from_secs(1);
/// Who is refused more often than this is not even told why.
const REFUSED: Rate = Rate { per_minute: 6000, burst: 1000 };

/// A way to know who calls.
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

/// Who is let in.
#[derive(Debug, Clone)]
pub struct Options {
    /// Any of these ways will do.
    pub modes: Vec<Mode>,
    /// Which gateways are believed: about addresses in every mode, about consumers in mode `gateway`.
    pub gateway: Gateway,
    /// Roles of groups.
    pub groups: Groups,
    /// How JWTs are checked, where they are.
    pub jwt: Option<JwtOptions>,
    /// By which names the service may be called.
    pub hosts: Hosts,
    /// Pages of these origins may call from a browser.
    pub origins: OriginPattern,
    /// May anybody read the figures?
    pub open_metrics: bool,
    /// How many looks a client may take.
    pub reads: Rate,
    /// How many changes a client may make.
    pub writes: Rate,
    /// How many streams a client, and all of them, may have open.
    pub watchers: Most,
    /// How much of its replies a client may leave unread.
    pub unread: Unread,
}

impl Options {
    fn has(&self, mode: Mode) -> bool {
        self.modes.contains(&mode)
    }
}

/// The guard at the door; clones share everything.
#[derive(Debug, Clone)]
pub struct Access(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: Options,
    tokens: Tokens,
    auditor: Auditor,
    keys: Option<Source>,
    limiter: Limiter,
    watchers: Watchers,
    /// Bodies of requests that are being received.
    bodies: Held,
    /// Replies that are being sent.
    replies: Held,
    places: Places,
}

impl Access {
    /// A guard. The keys of an issuer are read once, now: a file must be there, an address may answer later.
    ///
    /// # Errors
    /// When the keys are in a file that cannot be used.
    pub async fn new(options: Options, tokens: Tokens, auditor: Auditor) -> Result<Self, JwtError> {
        let keys = match &options.jwt {
            Some(jwt) => Some(first_look(jwt).await?),
            None => None,
        };
        let limiter = Limiter::new(options.reads, options.writes, REFUSED);
        let watchers = Watchers::new(options.watchers);
        let (bodies, replies, places) = (Held::default(), Held::default(), Places::new());
        let inner = Inner { options, tokens, auditor, keys, limiter, watchers, bodies, replies, places };
        Ok(Self(Arc::new(inner)))
    }

    /// Room for the body of a request.
    pub(crate) fn room(&self, request: &HttpRequest) -> Room {
        let client = request.extensions().get::<Client>().cloned().unwrap_or(Client::Others);
        self.0.bodies.room(client)
    }

    /// A place for somebody who watches, until the service stops or the caller is let in no more.
    pub(crate) fn seat(&self, request: &HttpRequest, shutdown: &Shutdown) -> Result<Seat, Problem> {
        let extensions = request.extensions();
        let client = extensions.get::<Client>().cloned().unwrap_or(Client::Others);
        if !self.0.replies.has_room(&client, self.0.options.unread.most) {
            return Err(reply::too_much_unread());
        }
        let seat = self.0.watchers.enter(client, shutdown).ok_or_else(|| {
            let detail = "as many streams are open as may be, of this client or in all";
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_watchers", detail)
                .hint("`limits.watchers_per_client` and `limits.watchers` set the limits")
        })?;
        Ok(match extensions.get::<Caller>() {
            Some(caller) => seat.while_let_in(caller, &self.0.tokens),
            None => seat,
        })
    }

    /// For whom content is inspected; `None` for a route that asks for no caller.
    pub(crate) fn on_behalf(&self, request: &HttpRequest) -> Option<OnBehalf> {
        let extensions = request.extensions();
        let caller = extensions.get::<Caller>()?;
        let record = audit::draft(AuditKind::Intent, caller, request, "");
        Some(OnBehalf { auditor: self.0.auditor.clone(), record, may_run: caller.role >= Role::Operator })
    }

    /// Looks up what is needed and decides.
    async fn who(&self, request: &ServiceRequest) -> Result<Caller, Refusal> {
        let access_token = token_of_websocket(request);
        let asked = asked(request, access_token.as_deref());
        let mut known = Looked::default();
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
        let facts = Known { token: known.token.as_ref(), keys: known.keys.as_deref(), now };
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
        let counted = self.0.limiter.count(Client::at(address), Kind::Refused, Instant::now());
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

    /// Whether the refusal of this request is logged. Of each client one in a second is, so that no flood of requests is a
    /// flood of lines.
    fn logs(&self, request: &ServiceRequest) -> bool {
        let address = decide::address(&asked(request, None), &self.0.options);
        let logs = self.0.limiter.logs(Client::at(address), Instant::now());
        request.extensions_mut().insert(Refused);
        logs
    }
}

/// In the extensions of a request that was refused at the door: it leaves no line of its own in the log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refused;

/// The longest text of a request that a line of the log has, in characters.
const LOGGED_CHARACTERS: usize = 200;

/// The beginning of a text of a client, for the log.
pub(crate) fn shortened(text: &str) -> &str {
    text.char_indices().nth(LOGGED_CHARACTERS).map_or(text, |(end, _)| &text[..end])
}

/// What was looked up.
#[derive(Default)]
struct Looked {
    token: Option<model::Token>,
    keys: Option<Arc<jwt::Keys>>,
}

async fn first_look(options: &JwtOptions) -> Result<Source, JwtError> {
    let source = Source::new(options.keys.clone(), options.refresh)?;
    match (source.load().await, &options.keys) {
        (Err(error), KeysPlace::File(_)) => return Err(error),
        (Err(error), KeysPlace::Address(address)) => {
            tracing::warn!(%error, address, "the issuer of JWTs does not answer; it is asked again");
        }
        (Ok(()), _) => {}
    }
    Ok(source)
}

fn asked<'a>(request: &'a ServiceRequest, access_token: Option<&'a str>) -> Asked<'a> {
    Asked { headers: request.headers(), peer: request.peer_addr().map(|peer| peer.ip()), access_token }
}

/// A page cannot set headers of a WebSocket, so there, and only there, the token may stand in the query.
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
/// Those of the route.
pub async fn guard(
    access: Access,
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    if target > MAX_TARGET_BYTES {
        request.extensions_mut().insert(Refused);
        let response = Reply::path_too_long(MAX_TARGET_BYTES).response(request.path());
        return Ok(request.into_response(response));
    }
    if !access.is_called_by_its_name(&request) {
        let response = Reply::unknown_host().response(request.path());
        return Ok(request.into_response(response));
    }
    let path = request.match_info().as_str();
    let place = access.0.places.find(request.method().as_str(), path, request.resource_map());
    let permission = access.permission(&place);
    let known = access.who(&request).await;
    forget_credentials(&mut request);
    let caller = match (known, permission) {
        (Ok(caller), _) => Some(caller),
        (Err(_), Some(Permission::Open)) => None,
        (Err(refusal), _) => {
            let response = access.refuse(&request, refusal);
            return Ok(request.into_response(response));
        }
    };
    access.serve(caller, place, permission, request, next).await
}

/// Whoever stands behind this has no use for them.
fn forget_credentials(request: &mut ServiceRequest) {
    for name in [gateway::CONSUMER, gateway::GROUPS, gateway::ANONYMOUS, header::AUTHORIZATION.as_str()] {
        request.headers_mut().remove(name);
    }
}

impl Access {
    /// What the place asks for; `None` where only who is known may hear what is wrong.
    fn permission(&self, place: &Place) -> Option<Permission> {
        match place {
            Place::Listed(row) if row.path == routes::METRICS && self.0.options.open_metrics => {
                Some(Permission::Open)
            }
            Place::Listed(row) => Some(row.permission),
            Place::WrongMethod(..) | Place::Unlisted(_) | Place::Nowhere => None,
        }
    }

    fn is_called_by_its_name(&self, request: &ServiceRequest) -> bool {
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
        place: Place,
        permission: Option<Permission>,
        request: ServiceRequest,
        next: Next<impl MessageBody + 'static>,
    ) -> Result<ServiceResponse<BoxBody>, Error> {
        let path = request.path().to_owned();
        let client = match &caller {
            Some(caller) => Client::of(caller),
            None => Client::at(decide::address(&asked(&request, None), &self.0.options)),
        };
        let changes = changes(&request, permission);
        let kind = if changes { Kind::Write } else { Kind::Read };
        if path != "/healthz"
            && let Err(wait) = self.0.limiter.count(client.clone(), kind, Instant::now())
        {
            request.extensions_mut().insert(Refused);
            return Ok(request.into_response(Reply::too_many().response_after(&path, wait)));
        }
        match &place {
            Place::WrongMethod(_, methods) => {
                return Ok(request.into_response(reply::wrong_method(&path, methods)));
            }
            Place::Unlisted(pattern) => {
                tracing::error!(http.route = pattern, "a route has no permission, so nobody may use it");
                return Ok(request.into_response(Reply::unlisted().response(&path)));
            }
            Place::Listed(_) | Place::Nowhere => {}
        }
        if permission != Some(Permission::Open) && site::is_embedded_elsewhere(request.headers()) {
            return Ok(request.into_response(Reply::embedded().response(&path)));
        }
        // Most of what a viewer may do with another method than GET starts a job in the end.
        let may_change = !looks(&request);
        let room = self.0.replies.room(client.clone());
        if self.is_foreign(&request) {
            if may_change && !is_json(&request) {
                return Ok(request.into_response(Reply::forged().response(&path)));
            }
            request.extensions_mut().insert(ForeignOrigin);
        }
        request.extensions_mut().insert(client);
        let route = if let Place::Listed(row) = place { row.path } else { "" };
        let Some(caller) = caller else {
            return Ok(self.counted(next.call(request).await?, room, !may_change, &path));
        };
        if let Some(Permission::Role(needs)) = permission
            && caller.role < needs
        {
            if changes {
                let denied = audit::draft(AuditKind::Denied, &caller, request.request(), route);
                self.deny(model::AuditDraft { status: Some(403), ..denied }).await;
            }
            let response = Reply::role_too_low(caller.role, needs).response(&path);
            return Ok(request.into_response(response));
        }
        let draft = may_change.then(|| audit::draft(AuditKind::Intent, &caller, request.request(), route));
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
        // A request can wait for a job longer than its token is valid.
        if begun.elapsed() >= LONG && watchers::is_let_in_no_more(&via, expires_at, &self.0.tokens).await {
            let refusal = Refusal::BadCredentials("they were revoked or expired while the request waited");
            return Ok(response.into_response(Reply::refusal(refusal).response(&path)));
        }
        Ok(self.counted(response, room, !may_change, &path))
    }

    /// The response, counted until it was read, or a refusal where its client has left too much unread.
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

    /// Whether a page of an origin sends the request that may not. Browsers send bodies of some types, and none at all,
    /// without asking first: these are refused here. Of JSON they ask, and CORS says no; a page whose own name leads to
    /// this machine does not need to ask, so what starts something refuses such origins, too.
    fn is_foreign(&self, request: &ServiceRequest) -> bool {
        let mut origins = request.headers().get_all(header::ORIGIN);
        origins.any(|origin| !origin.to_str().is_ok_and(|origin| self.0.options.origins.allows(origin)))
    }

    /// Stores a denial before it is answered: an answer that was sent is in the audit. Where it cannot be stored, the caller
    /// is denied all the same.
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

/// Whether the request changes something. What a viewer may do does not, whatever its method, unless it starts a job: then
/// it becomes a change on its way ([`Change`]).
fn changes(request: &ServiceRequest, permission: Option<Permission>) -> bool {
    !looks(request) && matches!(permission, Some(Permission::Role(role)) if role > Role::Viewer)
}

fn looks(request: &ServiceRequest) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS)
}

fn is_json(request: &ServiceRequest) -> bool {
    let media_type = request.headers().get(header::CONTENT_TYPE).and_then(|media| media.to_str().ok());
    let essence = media_type.unwrap_or_default().split([';', ',']).next().unwrap_or_default().trim();
    essence.to_ascii_lowercase().ends_with("json")
}

fn client_of(request: &ServiceRequest) -> Client {
    request.extensions().get::<Client>().cloned().unwrap_or(Client::Others)
}
