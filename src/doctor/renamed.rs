//! Are old names of settings in use?

use super::check::Check;
use crate::settings::{Loaded, OLD_NAMES_END};

const NAME: &str = "settings";

/// A warning for each old name; nothing if none is in use.
pub(super) fn check(loaded: &Loaded) -> impl Iterator<Item = Check> {
    loaded.old_names.iter().map(|old_name| {
        let hint = format!("rename it to `{}`: {OLD_NAMES_END}", old_name.new);
        Check::warn(NAME, old_name.to_string(), hint)
    })
}
