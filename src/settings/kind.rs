//! What a key of the settings may hold.

/// The allowed values of a key.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// A whole number in a range, ends included.
    Integer { min: i64, max: i64 },
    /// True or false.
    Switch,
    /// A string that a rule accepts.
    Text(Rule),
    /// One of these words.
    Word(&'static [&'static str]),
    /// A file or directory.
    Path,
    /// Directories in order.
    SearchPath,
    /// A list of strings, each of which a rule accepts.
    List(Rule),
    /// A string that a rule accepts, or a non-empty list of such strings.
    OneOrMore(Rule),
    /// A table of environment variables.
    Variables,
    /// A table of names and values that a rule accepts: texts `name=value` in the layers.
    Pairs(PairRule),
    /// A string that is never shown.
    Secret(Rule),
}

/// A test of a string, and the allowed values for the error message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    pub(super) allowed: &'static str,
    pub(super) accepts: fn(&str) -> bool,
}

/// A test of a name and its value, and the allowed ones for the error message.
#[derive(Debug, Clone, Copy)]
pub(super) struct PairRule {
    pub(super) allowed: &'static str,
    pub(super) accepts: fn(&str, &str) -> bool,
}

/// A section of tables that users name, such as `[projects.NAME]`.
#[derive(Debug)]
pub(super) struct NamedTables {
    pub(super) section: &'static str,
    /// The keys of each table, as `section.key`, in the order of `config/default.toml`.
    pub(super) keys: &'static [Key],
    /// Names that a table can have.
    pub(super) names: Rule,
    /// What such a table describes, for messages.
    pub(super) noun: &'static str,
}

/// A setting.
#[derive(Debug)]
pub(super) struct Key {
    /// `section.key`.
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// Whether the empty string means "not set".
    pub(super) optional: bool,
}
