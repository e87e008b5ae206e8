//! The channel on which processes notify each other of jobs, and its name.

use std::{fmt, sync::Arc};

/// The notification channel of all processes of Rangehand.
pub(crate) const CHANNEL: &str = "rangehand";

/// The URL of a database that supports notifications; never shown, because it can contain a password.
#[derive(Clone)]
pub(crate) struct Address(pub(crate) Arc<str>);

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
