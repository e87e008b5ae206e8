//! Receives and parses JSON request bodies, and checks their content type and size.

use std::{pin::Pin, time::Duration};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header,
    web::{BytesMut, Data},
};
use futures_util::StreamExt;
use model::numbers;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::{
    access::{Quota, Reservation},
    api::Api,
};

/// Replaces a number that would lose precision, while its path is determined.
const CHANGED: &str = "\0number\0";
/// The same placeholder in JSON.
const CHANGED_AS_JSON: &[u8] = br#""\u0000number\u0000""#;

/// Errors of request bodies.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadBody {
    /// The content type is not accepted.
    #[error("the body is `{found}`: send {accepted}")]
    ContentType {
        /// The content type.
        found: String,
        /// Those that are accepted.
        accepted: &'static str,
    },
    /// The body is longer than the limit.
    #[error("the body is longer than {limit} bytes")]
    TooLong {
        /// The limit.
        limit: usize,
    },
    /// The body is received too slowly.
    #[error("the body comes too slowly: {} KiB/s are the least", RATE >> 10)]
    Late,
    /// The limit on concurrent bodies is reached.
    #[error("as many bodies of this client, or of all, are being received as may")]
    NoRoom,
    /// The JSON contains more values than any valid request.
    #[error("the body has more than {limit} values")]
    TooManyValues {
        /// The limit.
        limit: usize,
    },
    /// The body could not be received.
    #[error("the body could not be received: {0}")]
    Broken(String),
    /// The body is not UTF-8.
    #[error("the body is not UTF-8")]
    NotUtf8,
    /// The body is not valid JSON.
    #[error("the body is no JSON: {message} at line {line} column {column}")]
    Json {
        /// What the parser says.
        message: String,
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
        /// The position of the error in bytes.
        offset: usize,
    },
    /// Numbers would lose precision when they are parsed.
    #[error("{} numbers cannot be kept exactly", fields.len())]
    Numbers {
        /// Their paths: field names joined by dots.
        fields: Vec<String>,
        /// The result of parsing nevertheless.
        read: Box<Result<Option<Value>, BadBody>>,
    },
}

/// A body as JSON; `None` when it is empty.
#[derive(Debug)]
pub(crate) struct Body(pub Result<Option<Value>, BadBody>);

impl Body {
    /// The body as the reference service parses it: numbers can lose precision.
    pub(crate) fn with_any_numbers(self) -> Result<Option<Value>, BadBody> {
        match self.0 {
            Err(BadBody::Numbers { read, .. }) => *read,
            other => other,
        }
    }
}

impl FromRequest for Body {
    // v0 and v1 report an invalid body in different formats, so extraction itself always succeeds.
    type Error = std::convert::Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Self::Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let limit = request.app_data::<Data<Api>>().map_or(0, |api| api.options.body_limit_bytes);
        let received = received(request, payload, limit, &JSON);
        Box::pin(async move { Ok(Self(received.await.and_then(|(bytes, ())| parse(&bytes)))) })
    }
}

/// Content types that an endpoint accepts, and what follows from them.
pub(super) struct ContentTypes<T> {
    /// The content types, for an error.
    pub(super) names: &'static str,
    /// What follows from the essence of a content type in lower case; `None` rejects it.
    pub(super) accepts: fn(&str) -> Option<T>,
    /// What is assumed without a content type.
    pub(super) usual: T,
}

const JSON: ContentTypes<()> = ContentTypes { names: "`application/json`", accepts: is_json, usual: () };

/// `application/*+json` is JSON, too.
pub(super) fn is_json(essence: &str) -> Option<()> {
    let is_json =
        essence == "application/json" || essence.starts_with("application/") && essence.ends_with("+json");
    is_json.then_some(())
}

/// Receives a body of at most this length; returns it with what follows from its content type.
pub(super) fn received<T: Copy + 'static>(
    request: &HttpRequest,
    payload: &mut Payload,
    limit: usize,
    types: &ContentTypes<T>,
) -> impl Future<Output = Result<(BytesMut, T), BadBody>> + use<T> {
    let (checked, usual) = (check_content_type(request, types), types.usual);
    let api = request.app_data::<Data<Api>>();
    let quota = Quota::bodies(api.map_or(0, |api| api.options.body_limit_bytes)).at_least(limit);
    let reservation = api.map(|api| api.guard.reservation(request));
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let is_too_long =
        length.and_then(|length| length.parse().ok()).is_some_and(|length: u64| length > limit as u64);
    let payload = payload.take();
    async move {
        let received = match is_too_long {
            true => Err(BadBody::TooLong { limit }),
            false => receive(payload, limit, reservation, quota).await,
        };
        match received {
            // The content type of an empty body is ignored.
            Ok(bytes) if bytes.is_empty() => Ok((bytes, usual)),
            Ok(bytes) => checked.map(|found| (bytes, found)),
            Err(error @ (BadBody::Late | BadBody::NoRoom)) => Err(error),
            Err(error) => Err(checked.err().unwrap_or(error)),
        }
    }
}

/// Time for receiving a body, in addition to the time for its length.
const GRACE: Duration = Duration::from_secs(10);
/// Minimum rate after that time, in bytes per second.
const RATE: u64 = 16 << 10;
/// Maximum number of values in a body; `extra_vars` can contain 10,000.
const MAX_VALUES: usize = 20_000;

/// Receives a body, as long as it arrives fast enough and within the memory limit.
async fn receive(
    mut payload: Payload,
    limit: usize,
    mut reservation: Option<Reservation>,
    quota: Quota,
) -> Result<BytesMut, BadBody> {
    let (begun, mut bytes) = (Instant::now(), BytesMut::new());
    loop {
        let in_time =
            GRACE + Duration::from_secs(1) * u32::try_from(bytes.len() as u64 / RATE).unwrap_or(u32::MAX);
        let chunk = match timeout_at(begun + in_time, payload.next()).await {
            Err(_) => return Err(BadBody::Late),
            Ok(None) => return Ok(bytes),
            Ok(Some(chunk)) => chunk.map_err(|error| BadBody::Broken(error.to_string()))?,
        };
        if bytes.len() + chunk.len() > limit {
            return Err(BadBody::TooLong { limit });
        }
        if !reservation.as_mut().is_none_or(|reservation| reservation.take(chunk.len(), quota)) {
            return Err(BadBody::NoRoom);
        }
        bytes.extend_from_slice(&chunk);
    }
}

/// A body without a content type is treated as the usual one, as in the reference service.
fn check_content_type<T: Copy>(request: &HttpRequest, types: &ContentTypes<T>) -> Result<T, BadBody> {
    let Some(given) = request.headers().get(header::CONTENT_TYPE) else { return Ok(types.usual) };
    let text = String::from_utf8_lossy(given.as_bytes()).into_owned();
    let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    (types.accepts)(&essence).ok_or(BadBody::ContentType { found: text, accepted: types.names })
}

fn parse(bytes: &[u8]) -> Result<Option<Value>, BadBody> {
    if bytes.is_empty() {
        return Ok(None);
    }
    // Some Windows editors start files with a byte order mark.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if std::str::from_utf8(bytes).is_err() {
        return Err(BadBody::NotUtf8);
    }
    // A parsed value uses many times the memory of its text. Nesting is limited, so the number of commas limits the
    // number of values.
    if values(bytes) > MAX_VALUES {
        return Err(BadBody::TooManyValues { limit: MAX_VALUES });
    }
    let changed = numbers::changed_when_read(bytes);
    if changed.is_empty() {
        return read(bytes);
    }
    let marked = numbers::replaced(bytes, &changed, |_| CHANGED_AS_JSON.into());
    let mut fields = Vec::new();
    if let Ok(marked) = serde_json::from_slice(&marked) {
        places("", &marked, &mut fields);
    }
    Err(BadBody::Numbers { fields, read: Box::new(read(bytes)) })
}

/// The paths of the placeholders for changed numbers.
fn places(path: &str, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) if text == CHANGED => found.push(path.to_owned()),
        Value::Array(items) => items.iter().for_each(|item| places(path, item, found)),
        Value::Object(members) => members.iter().for_each(|(key, member)| {
            let dot = if path.is_empty() { "" } else { "." };
            places(&format!("{path}{dot}{}", key.escape_debug()), member, found);
        }),
        _ => {}
    }
}

fn read(bytes: &[u8]) -> Result<Option<Value>, BadBody> {
    serde_json::from_slice(bytes).map(Some).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let text = error.to_string();
        let message = text.split(" at line ").next().unwrap_or_default().to_owned();
        BadBody::Json { message, line, column, offset: offset(bytes, line, column) }
    })
}

/// Upper bound for the values of a list or object in this JSON: the number of commas outside of strings, plus one.
fn values(json: &[u8]) -> usize {
    let (mut count, mut in_text, mut is_escaped) = (0, false, false);
    for &byte in json {
        match (in_text, byte) {
            (true, _) if is_escaped => is_escaped = false,
            (true, b'\\') => is_escaped = true,
            (_, b'"') => in_text = !in_text,
            (false, b',') => count += 1,
            _ => {}
        }
    }
    count + 1
}

fn offset(bytes: &[u8], line: usize, column: usize) -> usize {
    let before: usize =
        bytes.split(|&byte| byte == b'\n').take(line.saturating_sub(1)).map(|line| line.len() + 1).sum();
    (before + column.saturating_sub(1)).min(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_would_change_are_reported_with_their_fields() {
        let body = br#"{"extra_vars": {"big": [1, 12345678901234567890123], "f": {"g": 1e400}, "ok": -0.0}}"#;
        let error = parse(body).expect_err("numbers change");
        let BadBody::Numbers { fields, read } = error else { panic!("{error}") };
        assert_eq!(fields, ["extra_vars.big", "extra_vars.f.g"]);
        assert!(matches!(*read, Err(BadBody::Json { .. })));
        let body = Body(parse(br#"{"a": 18446744073709551616}"#));
        assert!(matches!(body.with_any_numbers(), Ok(Some(Value::Object(_)))));
    }

    #[test]
    fn invalid_json_is_reported_with_its_position() {
        let error = parse(b"{\n \"a\": tru}").expect_err("no JSON");
        let BadBody::Json { line, column, offset, .. } = error else { panic!("{error}") };
        assert_eq!((line, column, offset), (2, 10, 11));
        assert!(matches!(parse(b""), Ok(None)));
        assert!(matches!(parse(b" \n"), Err(BadBody::Json { .. })));
        assert!(matches!(parse(b"\xef\xbb\xbf7"), Ok(Some(_))));
        assert!(matches!(parse(b"\"\xff\""), Err(BadBody::NotUtf8)));
        let many = format!("[{}1]", "1,".repeat(MAX_VALUES));
        assert!(matches!(parse(many.as_bytes()), Err(BadBody::TooManyValues { .. })));
        let text = format!("{:?}", ",[{\\\"".repeat(MAX_VALUES));
        assert!(matches!(parse(text.as_bytes()), Ok(Some(_))), "what is in a text is one value");
        assert!(parse("[".repeat(500).as_bytes()).is_err(), "depth is limited");
    }
}
