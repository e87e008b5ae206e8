//! A field of a request's body as a row: what it may hold, and which Ansible variable it becomes.

use std::sync::LazyLock;

use regex::Regex;

/// A pattern that a whole text must match; its own text is shown in 422 bodies and documents.
#[derive(Debug)]
pub(in crate::http) struct Pattern {
    pub text: &'static str,
    pub regex: LazyLock<Regex>,
}

/// One field.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) struct Field {
    pub name: &'static str,
    /// What it means, for the documents.
    pub about: &'static str,
    /// A value that is allowed, as JSON: for documents and curl scripts.
    pub example: &'static str,
    pub kind: Kind,
    /// Must it be there? Otherwise, what holds instead.
    pub need: Need,
    /// May it be `null`?
    pub nullable: bool,
    /// What Ansible gets of it.
    pub variable: Option<Variable>,
    /// Is it never shown, stored readable or logged?
    pub secret: bool,
}

/// Whether a field must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Need {
    Required,
    /// Nothing holds instead.
    Optional,
    /// This holds instead.
    DefaultBool(bool),
    /// This holds instead.
    DefaultText(&'static str),
}

/// What a field holds.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) enum Kind {
    /// A text that matches.
    Text(&'static Pattern),
    /// The same, but not empty.
    FullText(&'static Pattern),
    /// Any text.
    AnyText,
    /// Any text of at most so many characters.
    ShortText(usize),
    /// A text that matches and becomes an option's value, so it must not look like an option itself.
    Host(&'static Pattern),
    /// A machine's number: a text of digits, or an integer, which is taken as that text.
    VmId,
    /// A machine's number or any other text: the reference service checks nothing here.
    AnyVmId,
    /// A boolean, by any of pydantic's words for it.
    Bool,
    /// An integer, by any of pydantic's spellings, at least this.
    Int(Option<i64>),
    /// A number.
    Number,
    /// At least one of these.
    List(&'static Kind),
    /// An object with these fields.
    Object(&'static [Field]),
    /// Objects with these fields, by name.
    Map(&'static [Field]),
}

/// The Ansible variable that a field becomes.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) struct Variable {
    pub name: &'static str,
    pub when: When,
}

/// When a field becomes its variable. What is not given or `null` never does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum When {
    /// When it is given.
    Given,
    /// When it is given and not empty.
    NotEmpty,
    /// When it is given and the node is not empty.
    WithNode,
}

impl Field {
    /// A required field that becomes the variable of its own name.
    pub(super) const fn new(
        name: &'static str,
        kind: Kind,
        example: &'static str,
        about: &'static str,
    ) -> Self {
        let variable = Some(Variable { name, when: When::Given });
        Self { name, about, example, kind, need: Need::Required, nullable: false, variable, secret: false }
    }

    /// It may be left out.
    pub(super) const fn optional(mut self) -> Self {
        self.need = Need::Optional;
        self
    }

    /// It may be left out; this holds then.
    pub(super) const fn or_text(mut self, default: &'static str) -> Self {
        self.need = Need::DefaultText(default);
        self
    }

    /// It may be left out; this holds then.
    pub(super) const fn or_bool(mut self, default: bool) -> Self {
        self.need = Need::DefaultBool(default);
        self
    }

    /// It may be `null`.
    pub(super) const fn nullable(mut self) -> Self {
        self.nullable = true;
        self
    }

    /// Ansible knows it by another name.
    pub(super) const fn variable(mut self, name: &'static str) -> Self {
        self.variable = Some(Variable { name, when: When::Given });
        self
    }

    /// It becomes its variable only under a condition.
    pub(super) const fn when(mut self, when: When) -> Self {
        if let Some(variable) = self.variable {
            self.variable = Some(Variable { name: variable.name, when });
        }
        self
    }

    /// Ansible does not get it as such.
    pub(super) const fn no_variable(mut self) -> Self {
        self.variable = None;
        self
    }

    /// It is a secret.
    pub(super) const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }
}

/// Declares patterns, each with its text.
macro_rules! patterns {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)+) => {
        $(
            $(#[$doc])*
            pub(in crate::http) static $name: Pattern = Pattern { text: $text, regex: LazyLock::new(|| compile($text)) };
        )+
        /// All of them.
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
    /// The same, not empty.
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
