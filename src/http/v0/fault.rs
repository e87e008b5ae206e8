//! Faults in request bodies, in the form of pydantic: what is wrong where, and the input without its secrets.

use actix_web::http::StatusCode;
use serde_json::{Map, Value, json};

use super::ErrorReply;
use crate::http::body::BadBody;

/// Replaces a password in a response.
pub(super) const MASK: &str = "***";

/// Replaces an input that is too long to be returned.
pub(super) const TOO_LONG: &str = "(too long to be shown)";
/// Maximum length of an input that is returned, in bytes.
const MAX_INPUT: usize = 4096;

/// The error type and the message of pydantic.
pub(super) type Wording<'a> = (&'a str, &'a str);

pub(super) fn fault(path: &str, wording: Wording<'_>, input: &Value, ctx: Value) -> Value {
    let shown = if is_short(input) { masked(input) } else { TOO_LONG.into() };
    fault_of(path, wording, shown, ctx)
}

pub(super) fn fault_of(path: &str, (kind, message): Wording<'_>, shown: Value, ctx: Value) -> Value {
    json!({ "field": path, "msg": message, "type": kind, "input": shown, "ctx": ctx })
}

/// The object with a missing field, as it is returned in the fault.
pub(super) fn object_masked(members: &Map<String, Value>) -> Value {
    let mut left = MAX_INPUT;
    match members.iter().all(|(name, value)| takes(&mut left, name.len()) && fits(value, &mut left)) {
        true => masked(&Value::Object(members.clone())),
        false => TOO_LONG.into(),
    }
}

/// Whether a value is short enough to be returned. Stops at the limit.
pub(super) fn is_short(value: &Value) -> bool {
    fits(value, &mut { MAX_INPUT })
}

fn fits(value: &Value, left: &mut usize) -> bool {
    takes(left, 8)
        && match value {
            Value::Null | Value::Bool(_) => true,
            Value::Number(number) => takes(left, number.to_string().len()),
            Value::String(text) => takes(left, text.len()),
            Value::Array(items) => items.iter().all(|item| fits(item, left)),
            Value::Object(members) => {
                members.iter().all(|(name, member)| takes(left, name.len()) && fits(member, left))
            }
        }
}

fn takes(left: &mut usize, bytes: usize) -> bool {
    match left.checked_sub(bytes) {
        Some(rest) => {
            *left = rest;
            true
        }
        None => false,
    }
}

/// A copy without the values of fields whose names indicate a secret.
pub(super) fn masked(value: &Value) -> Value {
    let is_secret = |name: &str| {
        let name = name.to_ascii_lowercase();
        ["password", "passwd", "secret", "token", "api_key", "private_key"]
            .iter()
            .any(|word| name.contains(word))
    };
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, member)| {
                let shown =
                    if is_secret(name) && !member.is_boolean() { MASK.into() } else { masked(member) };
                (name.clone(), shown)
            })
            .collect(),
        Value::Array(items) => items.iter().map(masked).collect(),
        other => other.clone(),
    }
}

pub(super) fn unprocessable(faults: Vec<Value>) -> ErrorReply {
    ErrorReply::new(StatusCode::UNPROCESSABLE_ENTITY, faults)
}

pub(super) fn bad_body(error: &BadBody) -> ErrorReply {
    match error {
        BadBody::ContentType { .. } => ErrorReply::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, error.to_string()),
        BadBody::TooLong { .. } => ErrorReply::new(StatusCode::PAYLOAD_TOO_LARGE, error.to_string()),
        BadBody::Broken(_) => ErrorReply::new(StatusCode::BAD_REQUEST, error.to_string()),
        BadBody::Late => ErrorReply::new(StatusCode::REQUEST_TIMEOUT, error.to_string()).close(),
        BadBody::NoRoom => ErrorReply::new(StatusCode::TOO_MANY_REQUESTS, error.to_string()).close(),
        BadBody::TooManyValues { .. } => ErrorReply::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string()),
        BadBody::NotUtf8 | BadBody::Numbers { .. } => {
            ErrorReply::new(StatusCode::BAD_REQUEST, "There was an error parsing the body")
        }
        BadBody::Json { message, offset, .. } => unprocessable(vec![json!({
            "field": format!("body.{offset}"),
            "msg": "JSON decode error",
            "type": "json_invalid",
            "input": {},
            "ctx": { "error": message },
        })]),
    }
}
