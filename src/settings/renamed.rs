//! Settings that were renamed: an old name works for one release, with a warning.

use std::fmt;

use super::{
    Error, keys,
    kind::Key,
    layer::{Entry, Layer},
    origin::{Origin, Place},
    variable::variable_of,
};

/// A setting that was renamed.
#[derive(Debug)]
pub struct RenamedSetting {
    /// The name that still works, in the form `section.key`.
    pub old: &'static str,
    /// The name of the key.
    pub new: &'static str,
}

const fn renamed(old: &'static str, new: &'static str) -> RenamedSetting {
    RenamedSetting { old, new }
}

/// Every old name. Remove a row one release after it was added.
pub(crate) const RENAMED: &[RenamedSetting] = &[
    renamed("access.i_know_what_i_do", "access.allow_unauthenticated"),
    renamed("access.open_metrics", "access.allow_unauthenticated_metrics"),
    renamed("server.cancel_when_caller_leaves", "server.cancel_on_disconnect"),
    renamed("limits.unread_s", "limits.unread_timeout_s"),
    renamed("runs.max_at_once", "runs.max_concurrent"),
    renamed("history.keep_audit_records", "history.keep_audit_entries"),
];

/// The key of a name, which can be an old one; and the old name, if it is.
pub(super) fn find(name: &str) -> Option<(&'static Key, Option<&'static str>)> {
    if let Some(key) = keys::find(name) {
        return Some((key, None));
    }
    let row = RENAMED.iter().find(|row| row.old == name)?;
    keys::find(row.new).map(|key| (key, Some(row.old)))
}

/// An old name that is in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldNameInUse {
    /// The old name: a setting, or its environment variable.
    pub old: String,
    /// The name to use instead, of the same kind.
    pub new: String,
    /// Where the old name is set.
    pub place: Place,
}

impl OldNameInUse {
    fn of(entry: &Entry) -> Option<Self> {
        let (old, new) = (entry.old_name?, entry.key.name);
        let (old, new) = match entry.place.origin {
            Origin::Environment(_) => (variable_of(old), variable_of(new)),
            Origin::Default | Origin::File(_) | Origin::CommandLine => (old.to_owned(), new.to_owned()),
        };
        Some(Self { old, new, place: entry.place.clone() })
    }
}

impl fmt::Display for OldNameInUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { old, new, place } = self;
        match place.origin {
            Origin::Environment(_) => write!(f, "the environment variable `{old}` was renamed to `{new}`"),
            _ => write!(f, "{place}: the setting `{old}` was renamed to `{new}`"),
        }
    }
}

/// Every old name that a layer uses.
///
/// # Errors
/// [`Error::RenamedTwice`] if a setting has different values under its old and its new name, in whichever layers.
pub(super) fn in_use(layers: &[Layer]) -> Result<Vec<OldNameInUse>, Error> {
    let mut found = Vec::new();
    let all = || layers.iter().flat_map(Layer::entries);
    for old in all().filter(|entry| entry.old_name.is_some()) {
        let is_new = |entry: &&Entry| {
            entry.key.name == old.key.name
                && entry.old_name.is_none()
                && entry.place.origin != Origin::Default
        };
        if let Some(new) = all().filter(is_new).find(|new| !new.value.is_same_as(&old.value)) {
            return Err(Error::RenamedTwice {
                old: old.old_name.unwrap_or_default().to_owned(),
                new: new.key.name.to_owned(),
                old_place: Box::new(old.place.clone()),
                new_place: Box::new(new.place.clone()),
            });
        }
        found.extend(OldNameInUse::of(old));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_new_name_is_a_key_and_no_old_name_is() {
        for row in RENAMED {
            assert!(keys::find(row.new).is_some(), "{} is no key", row.new);
            assert!(keys::find(row.old).is_none(), "{} is still a key", row.old);
            assert_eq!(find(row.old).map(|(key, old)| (key.name, old)), Some((row.new, Some(row.old))));
        }
    }
}
