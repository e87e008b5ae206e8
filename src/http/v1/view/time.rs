//! Times.

use jiff::Timestamp;

/// A time with three digits of seconds, so that texts sort like times.
pub(in crate::http) fn time(time: Timestamp) -> api::Time {
    format!("{time:.3}").into()
}
