//! What a key of the settings may hold.

/// What a key may hold.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// A whole number in a range, ends included.
    Integer { min: i64, max: i64 },
    /// True or false.
    Switch,
    /// A text that a rule accepts.
    Text(Rule),
    /// One of these words.
    Word(&'static [&'static str]),
    /// A file or directory.
    Path,
    /// Directories in order.
    SearchPath,
    /// A list of texts, each of which a rule accepts.
    List(Rule),
    /// A text that a rule accepts, or a list of such texts with at least one.
    OneOrMore(Rule),
    /// A table of environment variables.
    Variables,
    /// A text that is never shown.
    Secret(Rule),
}

/// A test of a text, and what to say when it fails.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    pub(super) allowed: &'static str,
    pub(super) accepts: fn(&str) -> bool,
}

/// A setting.
#[derive(Debug)]
pub(super) struct Key {
    /// `section.key`.
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// Whether the empty text stands for "not set".
    pub(super) optional: bool,
}
