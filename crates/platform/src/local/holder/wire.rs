//! What goes through the socket of the holder: a line of JSON for the call, one for its result. The result of a connection is
//! followed by a byte that carries the socket.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    error::Error,
    observed::Power,
    owner::{Owner, Thing},
    platform::{Awaited, SnapshotAction},
    wanted::Wanted,
};

/// A call.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Call {
    Observe(Owner),
    Ensure(Owner, Wanted),
    Power(Thing, Power),
    Access(Thing),
    Snapshot(Thing, SnapshotAction),
    Remove(Thing),
    Wait(Awaited),
    Connect(Thing, u16),
}

/// Its result.
pub(super) type Reply = Result<Value, Error>;

/// The longest line.
pub(super) const MAX_LINE: u64 = 64 * 1024 * 1024;
