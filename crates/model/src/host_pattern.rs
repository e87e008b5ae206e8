//! Host patterns, as accepted by Ansible's `--limit`.

use std::{fmt, str::FromStr};

use crate::{
    names::{is_unseen, shown},
    serde_by_text,
};

/// The longest pattern, in bytes.
pub const MAX_PATTERN_BYTES: usize = 4096;

/// Why a host pattern is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadHostPattern {
    /// Nothing but separators.
    #[error("the host pattern is empty")]
    Empty,
    /// Longer than [`MAX_PATTERN_BYTES`].
    #[error("the host pattern has {0} bytes: at most {MAX_PATTERN_BYTES} are allowed")]
    TooLong(usize),
    /// Control characters, line ends, quotes, and similar characters.
    #[error("the host pattern `{pattern}` has {found}, which is not allowed: no pattern needs it")]
    Character {
        /// The whole pattern, control characters escaped.
        pattern: String,
        /// The first character that is not allowed, with its number.
        found: String,
    },
    /// `{{`: Ansible evaluates no templates there.
    #[error("the host pattern `{0}` has a template: `--limit` takes no `{{{{` and no `{{%`")]
    Template(String),
    /// `-v`: it would be read as an option.
    #[error("the host pattern `{0}` looks like an option: a part must not begin with `-`")]
    Option(String),
    /// `@file`: Ansible would read the limit from that file.
    #[error("the host pattern `{0}` names a file: a part must not begin with `@`")]
    File(String),
}

/// A checked host pattern as Ansible's `--limit` takes it: names, groups, wildcards, ranges and regular expressions, joined by
/// `,`, `:` or spaces, each after `!` or `&` if need be.
///
/// Ansible reads more hosts from a file for a part that begins with `@`: rejected, because it could be any file of the node.
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
        let escaped = || text.escape_debug().to_string();
        if let Some(found) = text.chars().find(|c| is_refused(*c)) {
            return Err(BadHostPattern::Character { pattern: escaped(), found: shown(found) });
        }
        if text.contains("{{") || text.contains("{%") {
            return Err(BadHostPattern::Template(escaped()));
        }
        let mut parts = parts(text).into_iter().peekable();
        if parts.peek().is_none() {
            return Err(BadHostPattern::Empty);
        }
        for part in parts {
            match part.trim_start_matches(['!', '&']).chars().next() {
                Some('-') => return Err(BadHostPattern::Option(escaped())),
                Some('@') => return Err(BadHostPattern::File(escaped())),
                _ => {}
            }
        }
        Ok(Self(text.to_owned()))
    }
}

fn is_refused(c: char) -> bool {
    c.is_control() || is_unseen(c) || (c.is_whitespace() && c != ' ') || matches!(c, '\'' | '"' | '`')
}

/// The parts that Ansible takes a pattern apart into (`split_host_pattern`): at commas if there are any, otherwise at colons and
/// spaces that are not in brackets.
fn parts(text: &str) -> Vec<&str> {
    if text.contains(',') {
        return text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    }
    let mut parts = Vec::new();
    let (mut begin, mut at) = (0, 0);
    while let Some(c) = text[at..].chars().next() {
        let end = at + c.len_utf8();
        let bracketed = if c == '[' { text[end..].find(']').map(|length| end + length + 1) } else { None };
        match (c, bracketed) {
            ('[', Some(end)) => at = end,
            (':' | ' ' | '[' | ']', _) => {
                parts.push(&text[begin..at]);
                (begin, at) = (end, end);
            }
            _ => at = end,
        }
    }
    parts.push(&text[begin..]);
    parts.retain(|part| !part.is_empty());
    parts
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
        for pattern in [
            "all",
            "*",
            "web,db",
            "web, db",
            "web db",
            "web:!db",
            "!db",
            "web:&prod",
            "&prod",
            "r42.vuln-box-0*",
            "web[0:2]",
            "web[0]",
            "web[-1]",
            "~box-0[0-9]+",
            r"~k-\d+",
            "~k-[0-9]{2}",
            r"~(web|db)-(?:a|b)s$",
            "~[:@]x",
            "[::1]",
            "2001:db8::1",
            "k\u{fc}che-1",
        ] {
            assert_eq!(pattern.parse::<HostPattern>().map(|_| ()), Ok(()), "{pattern}");
        }
    }

    #[test]
    fn a_refusal_names_the_character() {
        let refused = "web\ndb".parse::<HostPattern>().expect_err("a line end");
        assert!(refused.to_string().contains(r"has `\n` (U+000A)"), "{refused}");
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
            "web @x",
            "web, @x",
            "~a[:@x",
            "~[,@x]",
            "{{ x }}",
            "a\nb",
            "a\tb",
            "a\u{a0}@x",
            "a\u{202e}b",
            "a\0",
            " ",
            "!-v",
            "a -v",
        ] {
            assert!(pattern.parse::<HostPattern>().is_err(), "{pattern:?}");
        }
    }
}
