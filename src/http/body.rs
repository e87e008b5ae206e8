//! Request bodies: is it JSON by its type, is it short enough, does it parse?

use std::pin::Pin;

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    error::PayloadError,
    http::header,
    web::{Bytes, Data},
};
use serde_json::Value;

use super::Api;

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
}

/// A body as JSON; `None` when it is empty.
#[derive(Debug)]
pub(crate) struct Body(pub Result<Option<Value>, BadBody>);

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
