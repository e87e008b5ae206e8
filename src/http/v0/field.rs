//! Fields of request bodies as rows: their type, and their Ansible variable.

use std::sync::LazyLock;

use regex::Regex;

/// A pattern that an entire string must match. Its text appears in 422 responses and documents.
#[derive(Debug)]
pub(in crate::http) struct Pattern {
    pub text: &'static str,
    pub regex: LazyLock<Regex>,
}

/// One field.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) struct Field {
    pub name: &'static str,
    /// A description, for the documents.
    pub about: &'static str,
    /// A valid value as JSON, for documents and curl scripts.
    pub example: &'static str,
    pub kind: Kind,
    /// Whether it is required; otherwise its default.
    pub need: Need,
    /// Whether it can be `null`.
    pub nullable: bool,
    /// The Ansible variable that it sets, if any.
    pub variable: Option<Variable>,
    /// Whether it is a secret, which is never shown, stored in plaintext, or logged.
    pub secret: bool,
}

/// Whether a field is required.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Need {
    Required,
    /// Optional, without a default.
    Optional,
    /// Optional, with this default.
    DefaultBool(bool),
    /// Optional, with this default.
    DefaultText(&'static str),
}

/// The type of a field.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) enum Kind {
    /// A string that matches the pattern.
    Text(&'static Pattern),
    /// A string that matches the pattern and is not empty.
    FullText(&'static Pattern),
    /// Any string.
    AnyText,
    /// A string with at most this number of characters.
    ShortText(usize),
    /// A string that matches the pattern. It becomes the value of a command-line option, so it must not look like
    /// an option.
    Host(&'static Pattern),
    /// A machine ID: a string of digits, or an integer, which is converted to a string.
    VmId,
    /// A machine ID or any other string, because the reference service does not validate it.
    AnyVmId,
    /// A boolean, in any form that pydantic accepts.
    Bool,
    /// An integer, in any form that pydantic accepts, with an optional minimum.
    Int(Option<i64>),
    /// A number.
    Number,
    /// A list with at least one item of this type.
    List(&'static Kind),
    /// An object with these fields.
    Object(&'static [Field]),
    /// An object that maps names to objects with these fields.
    Map(&'static [Field]),
}

/// The Ansible variable that a field sets.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) struct Variable {
    pub name: &'static str,
    pub when: When,
}

/// When a field sets its variable. A missing or `null` field never does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum When {
    /// When it is present.
    Given,
    /// When it is present and not empty.
    NotEmpty,
    /// When it is present and the node is not empty.
    WithNode,
}

impl Field {
    /// A required field that sets the variable with its own name.
    pub(super) const fn new(
        name: &'static str,
        kind: Kind,
        example: &'static str,
        about: &'static str,
    ) -> Self {
        let variable = Some(Variable { name, when: When::Given });
        Self { name, about, example, kind, need: Need::Required, nullable: false, variable, secret: false }
    }

    /// Makes the field optional.
    pub(super) const fn optional(mut self) -> Self {
        self.need = Need::Optional;
        self
    }

    /// Makes the field optional, with this default.
    pub(super) const fn or_text(mut self, default: &'static str) -> Self {
        self.need = Need::DefaultText(default);
        self
    }

    /// Makes the field optional, with this default.
    pub(super) const fn or_bool(mut self, default: bool) -> Self {
        self.need = Need::DefaultBool(default);
        self
    }

    /// Allows `null`.
    pub(super) const fn nullable(mut self) -> Self {
        self.nullable = true;
        self
    }

    /// Sets a variable with another name.
    pub(super) const fn variable(mut self, name: &'static str) -> Self {
        self.variable = Some(Variable { name, when: When::Given });
        self
    }

    /// Sets the variable only under a condition.
    pub(super) const fn when(mut self, when: When) -> Self {
        if let Some(variable) = self.variable {
            self.variable = Some(Variable { name: variable.name, when });
        }
        self
    }

    /// Sets no variable.
    pub(super) const fn no_variable(mut self) -> Self {
        self.variable = None;
        self
    }

    /// Marks the field as a secret.
    pub(super) const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }
}

/// Declares patterns.
macro_rules! patterns {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)+) => {
        $(
            $(#[$doc])*
            pub(in crate::http) static $name: Pattern = Pattern { text: $text, regex: LazyLock::new(|| compile($text)) };
        )+
        /// All patterns.
        #[cfg(test)]
        pub(super) static PATTERNS: &[&Pattern] = &[$(&$name),+];
    };
}

#[expect(clippy::expect_used, reason = "the patterns are constants, and a test compiles them")]
fn compile(text: &str) -> Regex {
    Regex::new(text).expect("a valid pattern")
}

patterns! {
    /// Node and machine names; empty is allowed.
    NAME = r"^[A-Za-z0-9-]*$";
    /// Like `NAME`, but not empty.
    FULL_NAME = r"^[A-Za-z0-9-]+$";
    /// Hosts and groups of routes that run by name.
    HOSTS = r"^[A-Za-z0-9\._-]+$";
    /// Host patterns of the Ubuntu bundles.
    BUNDLE_HOSTS = r"^[a-zA-Z0-9._:-]+$";
    DIGITS = r"^[0-9]+$";
    USER = r"^[a-z_][a-z0-9_-]*$";
    PASSWORD = r"^[A-Za-z0-9@._-]*$";
    SHELL = r"^/[a-z/]*$";
    IPV4 = r"^(?:[0-9]{1,3}\.){3}[0-9]{1,3}$";
    NETMASK = r"^(?:[0-9]{1,3}\.){3}[0-9]{1,3}$|^\/[0-9]{1,2}$";
    API_HOST = r"^[A-Za-z0-9\.:-]*$";
    WORD = r"^[A-Za-z0-9_-]+$";
    DOTTED = r"^[A-Za-z0-9._-]+$";
    DOTTED_LOWER_FIRST = r"^[a-zA-Z0-9._-]+$";
    LETTERS = r"^[a-zA-Z]+$";
    ALNUM = r"^[a-zA-Z0-9]+$";
    DESCRIPTION = r"^[A-Za-z0-9\s.,_\-]*$";
    TAGS = r"^[A-Za-z0-9_, -]+$";
    COMMENT = r"^[A-Za-z0-9 _-]*$";
    ALIAS = r"^[A-Za-z0-9-_]+$";
    ADDRESSES = r"^[0-9./]+$";
    PORTS = r"^[0-9:-]+$";
    RULE_ACTION = r"^(ACCEPT|DROP|REJECT)$";
    RULE_TYPE = r"^(in|out)$";
    MAC = r"^(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}$";
    ISO_VOLUME = r"^[A-Za-z0-9._-]+:iso/.+\.iso$";
    ISO_FILE = r"^[A-Za-z0-9._-]+\.iso$";
    HTTP_URL = r"^https?://[^\s]+$";
    TEMPLATE_VOLUME = r"^[A-Za-z0-9._-]+:vztmpl/[A-Za-z0-9._+-]+$";
    CONTAINER_IP = r"^(dhcp|(?:[0-9]{1,3}\.){3}[0-9]{1,3}/[0-9]{1,2})$";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles_and_covers_the_whole_text() {
        for pattern in PATTERNS {
            assert!(pattern.text.starts_with('^') && pattern.text.ends_with('$'), "{}", pattern.text);
            let spans_lines = pattern.text.contains(r"\s");
            assert!(spans_lines || !pattern.regex.is_match("1\n"), "{}", pattern.text);
        }
    }
}
