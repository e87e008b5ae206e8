//! Verifies the signature, the audience, and the validity period of a JWT (RFC 7519).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::key::Keys;

/// Maximum length of a token, in bytes.
const MAX_BYTES: usize = 16 << 10;

/// The rules that a token must satisfy.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The required `iss` claim.
    pub issuer: String,
    /// For whom.
    pub audience: String,
    /// The claim that contains the roles, with dots between levels.
    pub role_claim: String,
    /// The claim that contains the name.
    pub name_claim: String,
    /// Tolerated clock difference, in seconds.
    pub leeway_s: i64,
}

/// The bearer of a token, according to its claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bearer {
    pub name: String,
    pub groups: Vec<String>,
    /// Expiry, including the leeway.
    pub expires_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    crit: Option<Value>,
}

/// Types (`typ`) of access tokens, without `application/`. An issuer may sign other tokens with the same key: typed
/// ID tokens, logout tokens, proofs of possession.
const KINDS: [&str; 2] = ["jwt", "at+jwt"];

fn gives_access(kind: &str) -> bool {
    let kind = kind.to_ascii_lowercase();
    KINDS.contains(&kind.strip_prefix("application/").unwrap_or(&kind))
}

/// The key ID of a token; the outer `None` means that the text is not a token.
pub(crate) fn key_id(token: &str) -> Option<Option<String>> {
    let header: Header = decoded(token.split('.').next()?)?;
    Some(header.kid)
}

/// Verifies a token. The error describes the problem, and contains nothing of the token.
pub(crate) fn verify(
    token: &str,
    keys: &Keys,
    rules: &Rules,
    now: Timestamp,
) -> Result<Bearer, &'static str> {
    let parts: Vec<&str> = token.split('.').collect();
    let &[header, claims, signature] = parts.as_slice() else { return Err("it is no JWT") };
    if token.len() > MAX_BYTES {
        return Err("it is too long");
    }
    let written: Header = decoded(header).ok_or("it is no JWT")?;
    if !written.typ.as_deref().is_none_or(gives_access) {
        return Err("it is of another kind than a token for access");
    }
    if written.crit.is_some() {
        return Err("it wants something that is not known here");
    }
    let key = keys.find(written.kid.as_deref()).ok_or("it names a key that the issuer does not have")?;
    if written.alg != key.algorithm() {
        return Err("it names another algorithm than its key is for");
    }
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| "it is no JWT")?;
    let message = &token.as_bytes()[..header.len() + 1 + claims.len()];
    if !key.verifies(message, &signature) {
        return Err("its signature is wrong");
    }
    // Before this point, only the header fields that select the key are used.
    let claims: Map<String, Value> = decoded(claims).ok_or("it is no JWT")?;
    let end = in_time(&claims, rules, now)?;
    for_us(&claims, rules)?;
    let expires_at = Timestamp::from_second(end.saturating_add(rules.leeway_s)).ok();
    Ok(Bearer { expires_at, ..bearer(&claims, rules)? })
}

fn decoded<T: DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

/// Checks the validity period; returns its end in seconds since the Unix epoch.
fn in_time(claims: &Map<String, Value>, rules: &Rules, now: Timestamp) -> Result<i64, &'static str> {
    let now = now.as_second();
    let second = |name: &str| match claims.get(name) {
        None => Ok(None),
        // NumericDate values can have fractions.
        Some(value) => value.as_f64().map(|second| Some(second as i64)).ok_or("its times are no numbers"),
    };
    let end = second("exp")?.ok_or("it has no end")?;
    if now.saturating_sub(rules.leeway_s) >= end {
        return Err("it has expired");
    }
    if second("nbf")?.is_some_and(|begin| begin > now.saturating_add(rules.leeway_s)) {
        return Err("it is not valid yet");
    }
    Ok(end)
}

fn for_us(claims: &Map<String, Value>, rules: &Rules) -> Result<(), &'static str> {
    if claims.get("iss").and_then(Value::as_str) != Some(&rules.issuer) {
        return Err("it is of another issuer");
    }
    let is_us = |value: &Value| value.as_str() == Some(&rules.audience);
    let names_us = match claims.get("aud") {
        Some(Value::Array(several)) => several.iter().any(is_us),
        Some(one) => is_us(one),
        None => false,
    };
    if names_us { Ok(()) } else { Err("it is for another audience") }
}

fn bearer(claims: &Map<String, Value>, rules: &Rules) -> Result<Bearer, &'static str> {
    let name = claims.get(&rules.name_claim).and_then(Value::as_str).filter(|name| !name.is_empty());
    let name = name.ok_or("it has no name in it")?.to_owned();
    let mut levels = rules.role_claim.split('.');
    let first = levels.next().and_then(|level| claims.get(level));
    let found = levels.fold(first, |value, level| value?.get(level));
    let groups = match found {
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        // Claims such as `scope` are space-separated strings.
        Some(Value::String(words)) => words.split_whitespace().map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    Ok(Bearer { name, groups, expires_at: None })
}
