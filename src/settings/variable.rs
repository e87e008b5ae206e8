//! The environment variable of a key.

/// What the name of such a variable begins with.
pub(super) const PREFIX: &str = "RANGEHAND__";

/// The variable that sets `section.key`.
pub(crate) fn variable_of(key: &str) -> String {
    format!("{PREFIX}{}", key.to_uppercase().replace('.', "__"))
}
