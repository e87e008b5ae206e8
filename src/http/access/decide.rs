//! Authentication as a pure function of the credentials and the data that was looked up for them. Nothing here
//! performs I/O.
//!
//! ```text
//!  a trusted gateway names a consumer --> that consumer
//!  a token or a JWT                   --> its bearer, or rejected
//!  neither, and mode `none`           --> anonymous admin
//!  neither                            --> rejected
//! ```
//! Identity headers of a trusted gateway take precedence over credentials that its consumer sent. Invalid
//! credentials are rejected; there is no fallback to another mode.

use std::net::IpAddr;

use actix_web::http::header::{self, HeaderMap};
use engine::{token_id, token_matches};
use jiff::Timestamp;
use model::{Role, Token, access::is_caller_name};

use super::{
    caller::{Address, Caller, Via},
    gateway::{ANONYMOUS, CONSUMER, GROUPS, only},
    jwt::{self, Keys},
    options::{Mode, Options},
};

/// The credentials of a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Presented<'a> {
    pub headers: &'a HeaderMap,
    pub peer: Option<IpAddr>,
    /// The parameter `access_token` of a WebSocket, for which a page cannot set headers.
    pub access_token: Option<&'a str>,
}

/// Data that was looked up for a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct LookedUp<'a> {
    /// The stored token with the ID of the credential.
    pub token: Option<&'a Token>,
    /// The issuer's keys.
    pub keys: Option<&'a Keys>,
    pub now: Timestamp,
}

/// Why a request is not authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rejection {
    /// There are no credentials.
    NoCredentials,
    /// The credentials are invalid.
    BadCredentials(&'static str),
    /// The caller is authenticated, but has no role.
    NoRole,
    /// Data that is needed to verify the credentials is not available.
    Unavailable(&'static str),
}

/// A credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Credential<'a> {
    Token {
        id: &'a str,
        text: &'a str,
    },
    Jwt(&'a str),
    /// More than one credential, or one of an unknown kind.
    Unclear,
}

/// The credential of a request.
pub(super) fn credential<'a>(asked: &Presented<'a>) -> Option<Credential<'a>> {
    let mut given = asked.headers.get_all(header::AUTHORIZATION);
    let text = match (given.next(), given.next(), asked.access_token) {
        (None, _, None) => return None,
        (None, _, Some(text)) => text,
        (Some(value), None, _) => match bearer(value.to_str().unwrap_or_default()) {
            Some(text) => text,
            None => return Some(Credential::Unclear),
        },
        (Some(_), Some(_), _) => return Some(Credential::Unclear),
    };
    Some(match token_id(text) {
        Some(id) => Credential::Token { id, text },
        None if text.split('.').count() == 3 => Credential::Jwt(text),
        None => Credential::Unclear,
    })
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, text) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| text.trim()).filter(|text| !text.is_empty())
}

/// The address of the client, as far as trusted gateways forward it.
pub(super) fn address(asked: &Presented<'_>, options: &Options) -> Address {
    let peer = asked.peer.map(|peer| peer.to_canonical());
    let is_ours = options.gateway.is(peer, asked.headers);
    let forwarded = if is_ours { options.gateway.forwarded(asked.headers) } else { None };
    Address { peer, forwarded }
}

/// Authenticates a request.
pub(super) fn decide(
    asked: &Presented<'_>,
    known: &LookedUp<'_>,
    options: &Options,
) -> Result<Caller, Rejection> {
    let address = address(asked, options);
    if options.has(Mode::Gateway)
        && options.gateway.is(address.peer, asked.headers)
        && let Some(caller) = consumer(asked.headers, address, options)?
    {
        return Ok(caller);
    }
    match credential(asked) {
        Some(Credential::Token { text, .. }) if options.has(Mode::Token) => by_token(text, known, address),
        Some(Credential::Jwt(text)) if options.has(Mode::Jwt) => by_jwt(text, known, address, options),
        // If authentication is disabled, credentials are ignored: they may be meant for a proxy.
        _ if options.has(Mode::None) => Ok(Caller {
            name: "anybody".to_owned(),
            role: Role::Admin,
            via: Via::None,
            address,
            expires_at: None,
        }),
        Some(_) => Err(Rejection::BadCredentials("they are of no kind that is taken here")),
        None => Err(Rejection::NoCredentials),
    }
}

/// The consumer that a trusted gateway names; `None` when it names none.
fn consumer(headers: &HeaderMap, address: Address, options: &Options) -> Result<Option<Caller>, Rejection> {
    // Kong sends `true`. Any other value comes from another program, or from a gateway with a different convention.
    // A consumer is authenticated only if the header is missing or has the single value `false`.
    let is_anonymous = headers.contains_key(ANONYMOUS)
        && !only(headers, ANONYMOUS).is_some_and(|value| value.trim().eq_ignore_ascii_case("false"));
    if !headers.contains_key(CONSUMER) || is_anonymous {
        return Ok(None);
    }
    let name = only(headers, CONSUMER).filter(|name| is_caller_name(name));
    let name = name.ok_or(Rejection::BadCredentials("the name of the consumer is invalid"))?.to_owned();
    let groups = match headers.contains_key(GROUPS) {
        true => only(headers, GROUPS)
            .ok_or(Rejection::BadCredentials("the groups of the consumer are invalid"))?,
        false => "",
    };
    let role = options.groups.role(groups.split(',').map(str::trim)).ok_or(Rejection::NoRole)?;
    Ok(Some(Caller { name, role, via: Via::Gateway, address, expires_at: None }))
}

fn by_token(text: &str, known: &LookedUp<'_>, address: Address) -> Result<Caller, Rejection> {
    let token = known.token.filter(|token| token_matches(token, text));
    let token = token.ok_or(Rejection::BadCredentials("there is no such token"))?;
    match token.fault(known.now) {
        Some("expired") => Err(Rejection::BadCredentials("the token has expired")),
        Some(_) => Err(Rejection::BadCredentials("the token was revoked")),
        None => {
            let via = Via::Token(token.id.clone());
            let (name, expires_at) = (token.name.clone(), token.expires_at);
            Ok(Caller { name, role: token.role, via, address, expires_at })
        }
    }
}

fn by_jwt(
    text: &str,
    known: &LookedUp<'_>,
    address: Address,
    options: &Options,
) -> Result<Caller, Rejection> {
    let keys = known.keys.ok_or(Rejection::Unavailable("the keys of the issuer are not known yet"))?;
    let jwt = options.jwt.as_ref().ok_or(Rejection::Unavailable("no issuer is set"))?;
    let bearer = jwt::verify(text, keys, &jwt.rules, known.now).map_err(Rejection::BadCredentials)?;
    if !is_caller_name(&bearer.name) {
        return Err(Rejection::BadCredentials("it has no name in it"));
    }
    let role = options.groups.role(bearer.groups.iter().map(String::as_str)).ok_or(Rejection::NoRole)?;
    Ok(Caller { name: bearer.name, role, via: Via::Jwt, address, expires_at: bearer.expires_at })
}
