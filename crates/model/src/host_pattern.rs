//! Host patterns, as Ansible's `--limit` takes them.

use std::{fmt, str::FromStr};

use crate::serde_by_text;

/// The longest pattern, in bytes.
pub const MAX_PATTERN_BYTES: usize = 4096;

/// Why a text is no host pattern for us.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadHostPattern {
    /// Nothing but separators.
    #[error("the host pattern is empty")]
    Empty,
    /// Longer than [`MAX_PATTERN_BYTES`].
    #[error("the host pattern has {0} bytes: at most {MAX_PATTERN_BYTES} are allowed")]
    TooLong(usize),
    /// Blanks, control characters, quotes and the like.
    #[error("the host pattern `{0}` has a character that may not stand in it")]
    Character(String),
    /// `-v`: it would be read as an option.
    #[error("the host pattern `{0}` looks like an option: a part must not begin with `-`")]
    Option(String),
    /// `@file`: Ansible would read the limit from that file.
    #[error("the host pattern `{0}` names a file: a part must not begin with `@`")]
    File(String),
}

/// A checked host pattern: names, groups, wildcards and regular expressions joined by `,` or `:`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPattern(String);

impl HostPattern {
    /// The pattern as Ansible takes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for HostPattern {
    type Err = BadHostPattern;

    fn from_str(text: &str) -> Result<Self, BadHostPattern> {
        if text.len() > MAX_PATTERN_BYTES {
            return Err(BadHostPattern::TooLong(text.len()));
        }
        let shown = || text.escape_debug().to_string();
        if text
            .chars()
            .any(|c| c.is_control() || c.is_whitespace() || matches!(c, '\'' | '"' | '{' | '}' | '\\' | ';'))
        {
            return Err(BadHostPattern::Character(shown()));
        }
        let mut parts = text.split([',', ':']).filter(|part| !part.is_empty()).peekable();
        if parts.peek().is_none() {
            return Err(BadHostPattern::Empty);
        }
        for part in parts {
            match part.trim_start_matches(['!', '&']).chars().next() {
                Some('-') => return Err(BadHostPattern::Option(shown())),
                Some('@') => return Err(BadHostPattern::File(shown())),
                _ => {}
            }
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

serde_by_text!(HostPattern);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ansible_patterns_are_accepted() {
        for pattern in
            ["all", "web,db", "web:!db", "web:&prod", "r42.vuln-box-0*", "web[0:2]", "~box-0[0-9]+", "[::1]"]
        {
            assert!(pattern.parse::<HostPattern>().is_ok(), "{pattern}");
        }
    }

    #[test]
    fn options_files_and_templates_are_refused() {
        for pattern in [
            "",
            ",",
            "-vvvv",
            "--list-hosts",
            "web,-i",
            "@/etc/passwd",
            "web:@x",
            "{{ x }}",
            "a b",
            "a\nb",
            "!-v",
        ] {
            assert!(pattern.parse::<HostPattern>().is_err(), "{pattern:?}");
        }
    }
}
