//! Bodies of up to 10 MiB as YAML or JSON, read within the limits of range documents.

use std::{convert::Infallible, pin::Pin};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use range::{
    Faults,
    document::text::{self, Format, MAX_BYTES},
};
use serde_json::Value;

use super::body::{BadBody, ContentTypes, is_json, received};

/// The content types of a document. Those that a page can send to other origins without a preflight aren't accepted.
const TYPES: ContentTypes<Format> =
    ContentTypes { names: "`application/yaml` or `application/json`", accepts: format, usual: Format::Yaml };

fn format(essence: &str) -> Option<Format> {
    match essence {
        "application/yaml" | "application/x-yaml" | "text/yaml" | "text/x-yaml" => Some(Format::Yaml),
        _ => is_json(essence).map(|()| Format::Json),
    }
}

/// A body as a value; `None` if it's empty.
#[derive(Debug)]
pub(in crate::http) struct DocumentBody(pub Result<Option<Value>, Unreadable>);

/// Why a body has no value.
#[derive(Debug)]
pub(in crate::http) enum Unreadable {
    /// It could not be received.
    Body(BadBody),
    /// It is malformed, or exceeds a limit.
    Text(Faults),
}

impl FromRequest for DocumentBody {
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Infallible>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let received = received(request, payload, MAX_BYTES, &TYPES);
        Box::pin(async move {
            let (bytes, format) = match received.await {
                Ok(received) => received,
                Err(error) => return Ok(Self(Err(Unreadable::Body(error)))),
            };
            let Ok(text) = std::str::from_utf8(&bytes) else {
                return Ok(Self(Err(Unreadable::Body(BadBody::NotUtf8))));
            };
            let text = text.strip_prefix('\u{feff}').unwrap_or(text);
            if text.is_empty() {
                return Ok(Self(Ok(None)));
            }
            Ok(Self(text::parse(text, format).map(Some).map_err(Unreadable::Text)))
        })
    }
}
