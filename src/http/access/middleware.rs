//! The middleware: authorizes a request, limits and audits it, and calls its handler.

use std::time::{Duration, Instant};

use actix_web::{
    Error, HttpMessage,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{Method, header},
    middleware::Next,
};
use model::AuditKind;

use super::{
    audit,
    authenticate::asked,
    caller::{Caller, Client},
    change::{Change, ForeignOrigin},
    decide::{self, Rejection},
    gateway,
    guard::Guard,
    held::Reservation,
    limiter::Kind,
    places::Target,
    rejected::{Rejected, shortened},
    reply::{self, Reply},
    site, watchers,
};
use crate::http::{
    endpoint::{Access, Effect, allow},
    own_page::is_own_page,
};

/// Maximum length of a path with its query, in bytes. Each name in it has at most 255.
const MAX_TARGET_BYTES: usize = 8192;
/// Request duration after which credentials are checked again before the response is sent.
const LONG: Duration = Duration::from_secs(1);

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
        (Err(rejection), _) => {
            let response = guard.refuse(&request, rejection);
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
            Target::Endpoint(endpoint) => {
                Some(endpoint.access.with_settings(self.0.options.allow_unauthenticated_metrics))
            }
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
        let reservation = self.0.replies.reservation(client.clone());
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
            return Ok(self.counted(next.call(request).await?, reservation, !may_change, &path));
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
            let rejection =
                Rejection::BadCredentials("they were revoked or expired while the request waited");
            return Ok(response.into_response(Reply::rejection(rejection).response(&path)));
        }
        Ok(self.counted(response, reservation, !may_change, &path))
    }

    /// Returns the response, counted until it was read, or an error if its client has too much unread data.
    fn counted(
        &self,
        response: ServiceResponse<impl MessageBody + 'static>,
        reservation: Reservation,
        may_refuse: bool,
        path: &str,
    ) -> ServiceResponse<BoxBody> {
        let request = response.request().clone();
        let counted = self.0.options.unread.count(response, reservation, may_refuse);
        counted.unwrap_or_else(|| {
            let rejection = Reply::too_much_unread().response_after(path, Duration::from_secs(1));
            ServiceResponse::new(request, rejection)
        })
    }

    /// Whether a page of an origin that is not allowed sends the request. Browsers send requests without a body, or
    /// with some body types, without a preflight; the guard rejects these. JSON bodies require a preflight, which
    /// CORS rejects. A page whose host name resolves to this machine needs no preflight, so handlers that start
    /// something also reject such origins.
    fn is_foreign(&self, request: &ServiceRequest) -> bool {
        if is_own_page(request.headers()) {
            return false;
        }
        let mut origins = request.headers().get_all(header::ORIGIN);
        origins.any(|origin| !origin.to_str().is_ok_and(|origin| self.0.options.origins.allows(origin)))
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
