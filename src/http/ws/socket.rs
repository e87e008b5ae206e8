//! What both WebSockets share: how they are described, and how they close.

use std::time::Duration;

use actix_ws::CloseCode;

use crate::http::{access::WatcherSlot, endpoint::Reply};

pub(super) const TAG: &str = "streams";
pub(super) const UPGRADED: Reply = Reply::empty(101, "The connection is a WebSocket now");

/// Timeout for closing the connection of a client that does not read.
pub(super) const CLOSE: Duration = Duration::from_secs(1);

/// The close code of the server: after a restart, the client can reconnect; after its credentials became invalid,
/// it cannot.
pub(super) fn close_code(slot: &WatcherSlot) -> CloseCode {
    if slot.is_revoked() { CloseCode::Policy } else { CloseCode::Restart }
}
