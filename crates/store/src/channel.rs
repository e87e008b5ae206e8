//! The channel on which processes tell each other of jobs, and where it is.

use std::{fmt, sync::Arc};

/// What all of Rangehand's processes talk on.
pub(crate) const CHANNEL: &str = "rangehand";

/// The address of a database that can be listened to; never shown, because it may hold a password.
#[derive(Clone)]
pub(crate) struct Address(pub(crate) Arc<str>);

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
