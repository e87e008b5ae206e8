//! Request bodies: is it JSON by its type, is it short enough, does it parse?

use std::pin::Pin;

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    error::PayloadError,
    http::header,
    web::{Bytes, Data},
};
use model::numbers;
use serde_json::Value;

use super::Api;

/// Stands for a number that would change, while its place is looked for.
const CHANGED: &str = "\0number\0";
/// As it stands in JSON.
const CHANGED_AS_JSON: &[u8] = br#""\u0000number\u0000""#;

/// Why a body cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadBody {
    /// Its type says that it is something else.
    #[error("the body is `{0}`: send `application/json`")]
    ContentType(String),
    /// It is longer than the limit.
    #[error("the body is longer than {limit} bytes")]
    TooLong {
        /// The limit.
        limit: usize,
    },
    /// It could not be received.
    #[error("the body could not be received: {0}")]
    Broken(String),
    /// It is no text.
    #[error("the body is not UTF-8")]
    NotUtf8,
    /// It is no JSON.
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
    /// Numbers would become other numbers when they are read.
    #[error("{} numbers cannot be kept exactly", fields.len())]
    Numbers {
        /// Where they are: names of fields, joined by dots.
        fields: Vec<String>,
        /// What is read all the same.
        read: Box<Result<Option<Value>, BadBody>>,
    },
}

/// A body as JSON; `None` when it is empty.
#[derive(Debug)]
pub(crate) struct Body(pub Result<Option<Value>, BadBody>);

impl Body {
    /// As the reference service reads it: numbers may change.
    pub(crate) fn with_any_numbers(self) -> Result<Option<Value>, BadBody> {
        match self.0 {
            Err(BadBody::Numbers { read, .. }) => *read,
            other => other,
        }
    }
}

impl FromRequest for Body {
    // Each interface answers a bad body in its own words, so extraction itself always succeeds.
    type Error = std::convert::Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Self::Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let checked = check_content_type(request);
        let limit = request.app_data::<Data<Api>>().map_or(0, |api| api.options.body_limit_bytes);
        let bytes = Bytes::from_request(request, payload);
        Box::pin(async move {
            let received = match bytes.await {
                // Nothing has no type, whatever is said of it.
                Ok(bytes) if bytes.is_empty() => Ok(bytes),
                Ok(bytes) => checked.map(|()| bytes),
                Err(error) => Err(checked.err().unwrap_or_else(|| received_badly(&error, limit))),
            };
            Ok(Self(received.and_then(|bytes| parse(&bytes))))
        })
    }
}

/// A body without a type is taken for JSON, as in the reference service; `application/*+json` is JSON too.
fn check_content_type(request: &HttpRequest) -> Result<(), BadBody> {
    let Some(given) = request.headers().get(header::CONTENT_TYPE) else { return Ok(()) };
    let text = String::from_utf8_lossy(given.as_bytes()).into_owned();
    let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_json =
        essence == "application/json" || essence.starts_with("application/") && essence.ends_with("+json");
    if is_json { Ok(()) } else { Err(BadBody::ContentType(text)) }
}

fn received_badly(error: &actix_web::Error, limit: usize) -> BadBody {
    match error.as_error::<PayloadError>() {
        Some(PayloadError::Overflow) => BadBody::TooLong { limit },
        _ => BadBody::Broken(error.to_string()),
    }
}

fn parse(bytes: &[u8]) -> Result<Option<Value>, BadBody> {
    if bytes.is_empty() {
        return Ok(None);
    }
    // Some editors of Windows begin a file with it.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if std::str::from_utf8(bytes).is_err() {
        return Err(BadBody::NotUtf8);
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

/// The paths of the values that stand for changed numbers.
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

fn offset(bytes: &[u8], line: usize, column: usize) -> usize {
    let before: usize =
        bytes.split(|&byte| byte == b'\n').take(line.saturating_sub(1)).map(|line| line.len() + 1).sum();
    (before + column.saturating_sub(1)).min(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_would_change_are_told_by_their_fields() {
        let body = br#"{"extra_vars": {"big": [1, 12345678901234567890123], "f": {"g": 1e400}, "ok": -0.0}}"#;
        let error = parse(body).expect_err("numbers change");
        let BadBody::Numbers { fields, read } = error else { panic!("{error}") };
        assert_eq!(fields, ["extra_vars.big", "extra_vars.f.g"]);
        assert!(matches!(*read, Err(BadBody::Json { .. })));
        let body = Body(parse(br#"{"a": 18446744073709551616}"#));
        assert!(matches!(body.with_any_numbers(), Ok(Some(Value::Object(_)))));
    }

    #[test]
    fn what_is_no_json_is_told_with_its_place() {
        let error = parse(b"{\n \"a\": tru}").expect_err("no JSON");
        let BadBody::Json { line, column, offset, .. } = error else { panic!("{error}") };
        assert_eq!((line, column, offset), (2, 10, 11));
        assert!(matches!(parse(b""), Ok(None)));
        assert!(matches!(parse(b" \n"), Err(BadBody::Json { .. })));
        assert!(matches!(parse(b"\xef\xbb\xbf7"), Ok(Some(_))));
        assert!(matches!(parse(b"\"\xff\""), Err(BadBody::NotUtf8)));
        assert!(parse("[".repeat(500).as_bytes()).is_err(), "depth is limited");
    }
}
