//! Authentication of a request: loads what its credentials need, and decides. Rejections are counted and logged here.

use std::{sync::Arc, time::Instant};

use actix_web::{HttpMessage, dev::ServiceRequest, web::Query};

use super::{
    audit,
    caller::{Caller, Client, Via},
    decide::{self, Credential, LookedUp, Presented, Rejection, credential},
    guard::Guard,
    jwt,
    limiter::Kind,
    options::Mode,
    rejected::{Rejected, shortened},
    reply::Reply,
};
use crate::http::upgrade::upgrades;

impl Guard {
    /// Loads the required data, and authenticates the request.
    pub(super) async fn authenticate(&self, request: &ServiceRequest) -> Result<Caller, Rejection> {
        let access_token = token_of_websocket(request);
        let asked = asked(request, access_token.as_deref());
        let mut known = Fetched::default();
        match credential(&asked) {
            Some(Credential::Token { id, .. }) if self.0.options.has(Mode::Token) => {
                let found = self.0.tokens.find(id).await.map_err(|error| {
                    tracing::error!(%error, "a token could not be looked up");
                    Rejection::Unavailable("the store does not answer")
                })?;
                known.token = found;
            }
            Some(Credential::Jwt(text)) => {
                if let Some(source) = &self.0.keys {
                    let id = jwt::key_id(text).ok_or(Rejection::BadCredentials("it is no JWT"))?;
                    known.keys = source.keys(id.as_deref()).await;
                }
            }
            _ => {}
        }
        let now = audit::now();
        let facts = LookedUp { token: known.token.as_ref(), keys: known.keys.as_deref(), now };
        let caller = decide::decide(&asked, &facts, &self.0.options)?;
        if let (Via::Token(id), Some(token)) = (&caller.via, &known.token) {
            let (tokens, id, noted) = (self.0.tokens.clone(), id.clone(), token.used_at);
            actix_web::rt::spawn(async move { tokens.used(&id, noted).await });
        }
        Ok(caller)
    }

    /// The response to a request that is not authenticated.
    pub(super) fn refuse(&self, request: &ServiceRequest, rejection: Rejection) -> actix_web::HttpResponse {
        let path = request.path();
        let address = decide::address(&asked(request, None), &self.0.options);
        let counted = self.0.limiter.count(Client::at(address), Kind::Rejected, Instant::now());
        if self.logs(request) {
            tracing::warn!(
                client.address = ?address.client(),
                http.method = shortened(request.method().as_str()),
                http.path = shortened(path),
                why = ?rejection,
                "a caller was rejected"
            );
        }
        match counted {
            Ok(()) => Reply::rejection(rejection).response(path),
            Err(wait) => Reply::too_many().response_after(path, wait),
        }
    }

    /// Whether the rejection of this request is logged. At most one per client and second is, so that many requests
    /// do not fill the log.
    pub(super) fn logs(&self, request: &ServiceRequest) -> bool {
        let address = decide::address(&asked(request, None), &self.0.options);
        let logs = self.0.limiter.logs(Client::at(address), Instant::now());
        request.extensions_mut().insert(Rejected);
        logs
    }
}

/// Data that was looked up for a request.
#[derive(Default)]
struct Fetched {
    token: Option<model::Token>,
    keys: Option<Arc<jwt::Keys>>,
}

/// The credentials of a request.
pub(super) fn asked<'a>(request: &'a ServiceRequest, access_token: Option<&'a str>) -> Presented<'a> {
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
