//! Times as strings of fixed length: RFC 3339 in UTC with milliseconds, so that strings sort like times.

use jiff::Timestamp;
use serde::Serializer;

/// For `#[serde(serialize_with)]`.
///
/// # Errors
/// Errors of the serializer.
pub fn serialize<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{time:.3}"))
}

/// The same for a time that may be missing.
///
/// # Errors
/// Errors of the serializer.
pub fn serialize_option<S: Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serialize(time, serializer),
        None => serializer.serialize_none(),
    }
}
