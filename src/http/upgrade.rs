//! Detects WebSocket upgrade requests.

use actix_web::http::header::{self, HeaderMap};

/// Whether the headers request a WebSocket.
pub(super) fn upgrades(headers: &HeaderMap) -> bool {
    headers.get(header::UPGRADE).is_some_and(|to| to.as_bytes().eq_ignore_ascii_case(b"websocket"))
}
