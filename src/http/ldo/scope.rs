//! The platform and the names of the ranges of this API.

use uuid::Uuid;

use super::error_reply::ErrorReply;
use crate::http::api::Api;

/// The platform of the ranges of this API.
pub(super) fn platform(api: &Api) -> Result<&str, ErrorReply> {
    api.options.ldo_platform.as_deref().ok_or_else(ErrorReply::disabled)
}

/// The ID in a path, in its usual form.
pub(super) fn id_of(text: &str) -> Result<String, ErrorReply> {
    let id = Uuid::parse_str(text).map_err(|_| ErrorReply::bad_id(text))?;
    Ok(id.hyphenated().to_string())
}

/// Begins the names of all ranges of this API.
pub(super) const PREFIX: &str = "ldo-";

/// The name of the range with this ID.
pub(super) fn name_of(id: &str) -> String {
    format!("{PREFIX}{id}")
}
