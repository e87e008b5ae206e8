//! Names of content on disk: playbooks, bundles, scenarios, inventories.
//!
//! A value of the type has been checked: it cannot contain `..`, be hidden, or look like an option. The catalog checks whether
//! the content exists, and that no link on its path leaves the root.

use std::{fmt, str::FromStr};

use crate::{serde_by_text, text_enum};

text_enum! {
    /// The kinds of content that a catalog lists.
    ContentKind {
        /// One playbook file below a playbooks root.
        Playbook = "playbook",
        /// A playbook tree that does one thing to hosts: `bundles/<name>/main.yml`.
        Bundle = "bundle",
        /// A playbook tree that sets up a whole exercise: `scenarios/<name>/main.yml`.
        Scenario = "scenario",
        /// An inventory file or directory below the inventory root.
        Inventory = "inventory",
    }
}

/// Maximum length of a name in bytes: the limit of common file systems for one path component.
pub const MAX_NAME_BYTES: usize = 255;

/// Why a name is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// It is empty.
    #[error("the name is empty")]
    Empty,
    /// Longer than [`MAX_NAME_BYTES`].
    #[error("the name has {0} bytes: at most {MAX_NAME_BYTES} are allowed")]
    TooLong(usize),
    /// Two slashes in a row, or one at an end.
    #[error("the name `{0}` has an empty segment: separate segments by single slashes")]
    EmptySegment(String),
    /// A character that a name does not have, or not where it is.
    #[error(
        "the name `{name}` has {found} where it is not allowed: a segment does not begin with `.`, `-` or `~`, nor begin or \
         end with a space, and has no control characters and none of {REFUSED}"
    )]
    Character {
        /// The whole name, control characters escaped.
        name: String,
        /// The first character that is not allowed, with its number.
        found: String,
    },
    /// Contains `..`, as a segment or as a part of one.
    #[error("the name `{0}` contains `..`")]
    Climbs(String),
}

/// Characters that have a meaning for shells, templates or URLs and that no name has.
pub const REFUSED: &str = r#"`\` `%` `'` `"` `{` `}` `<` `>` `|` `*` `?` `$` `;` and the backtick"#;

/// The checked name of a piece of content: segments joined by `/`, without `..`, and none of them hidden.
///
/// A name is compared byte by byte with names on disk: a composed and a decomposed umlaut are two names, as they are for
/// the file system.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContentName(String);

impl ContentName {
    /// The original name. Also a relative path that stays below its root, unless links leave it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ContentName {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        if text.is_empty() {
            return Err(BadName::Empty);
        }
        if text.len() > MAX_NAME_BYTES {
            return Err(BadName::TooLong(text.len()));
        }
        text.split('/').try_for_each(|segment| check_segment(segment, text))?;
        Ok(Self(text.to_owned()))
    }
}

fn check_segment(segment: &str, name: &str) -> Result<(), BadName> {
    let Some(first) = segment.chars().next() else {
        return Err(BadName::EmptySegment(name.escape_debug().to_string()));
    };
    let refuse =
        |found: char| BadName::Character { name: name.escape_debug().to_string(), found: shown(found) };
    if segment.contains("..") {
        return Err(BadName::Climbs(name.escape_debug().to_string()));
    }
    if matches!(first, '.' | '-' | '~' | ' ') {
        return Err(refuse(first));
    }
    match segment.chars().find(|c| is_refused(*c)) {
        Some(found) => Err(refuse(found)),
        None if segment.ends_with(' ') => Err(refuse(' ')),
        None => Ok(()),
    }
}

/// A character with its number, by which one that cannot be seen is known.
pub(crate) fn shown(c: char) -> String {
    format!("`{}` (U+{:04X})", c.escape_debug(), u32::from(c))
}

fn is_refused(c: char) -> bool {
    match c {
        ' ' => false,
        '\\' | '%' | '\'' | '"' | '{' | '}' | '<' | '>' | '|' | '*' | '?' | '$' | ';' | '`' => true,
        _ => c.is_control() || c.is_whitespace() || is_unseen(c) || is_like_a_separator(c),
    }
}

/// Invisible characters, and characters that change the direction of a text: two names would look the same.
pub(crate) fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{ffff}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Characters that some programs take for `.`, `/`, `\` or `%` after they have normalized a text.
fn is_like_a_separator(c: char) -> bool {
    matches!(
        c,
        '\u{2024}'
            ..='\u{2026}'
                | '\u{2044}'
                | '\u{2215}'
                | '\u{2216}'
                | '\u{29f8}'
                | '\u{29f9}'
                | '\u{fe19}'
                | '\u{fe30}'
                | '\u{fe52}'
                | '\u{fe68}'
                | '\u{fe6a}'
                | '\u{ff05}'
                | '\u{ff0e}'
                | '\u{ff0f}'
                | '\u{ff3c}'
    )
}

impl fmt::Display for ContentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

serde_by_text!(ContentName);

/// The longest name of a project, in bytes.
pub const MAX_PROJECT_BYTES: usize = 63;

/// Why the name of a project is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` is no name of a project: lower-case letters, digits, `_` and `-`, a letter or digit first, at most \
     {MAX_PROJECT_BYTES} bytes", .0.escape_debug()
)]
pub struct BadProjectName(String);

/// The checked name of a project: `[a-z0-9][a-z0-9_-]*`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProjectName(String);

impl ProjectName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ProjectName {
    type Err = BadProjectName;

    fn from_str(text: &str) -> Result<Self, BadProjectName> {
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let is_name = text.len() <= MAX_PROJECT_BYTES
            && text.starts_with(is_plain)
            && text.chars().all(|c| is_plain(c) || matches!(c, '_' | '-'));
        if is_name { Ok(Self(text.to_owned())) } else { Err(BadProjectName(text.to_owned())) }
    }
}

impl fmt::Display for ProjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

serde_by_text!(ProjectName);

/// The content that a job runs: a playbook, a bundle, or a scenario by name.
///
/// In JSON it is one member whose key is the kind, `{"bundle": "ping"}`, as in a request.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContentRef {
    /// A playbook file.
    Playbook(ContentName),
    /// A bundle.
    Bundle(ContentName),
    /// A scenario.
    Scenario(ContentName),
}

impl ContentRef {
    /// Which kind of content it is.
    #[must_use]
    pub const fn kind(&self) -> ContentKind {
        match self {
            Self::Playbook(_) => ContentKind::Playbook,
            Self::Bundle(_) => ContentKind::Bundle,
            Self::Scenario(_) => ContentKind::Scenario,
        }
    }

    /// Its name within that kind.
    #[must_use]
    pub const fn name(&self) -> &ContentName {
        match self {
            Self::Playbook(name) | Self::Bundle(name) | Self::Scenario(name) => name,
        }
    }
}

impl fmt::Display for ContentRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`", self.kind(), self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_both_bundle_generations_are_accepted() {
        for name in [
            "ping",
            "core/linux/ubuntu/install/docker-compose",
            "proxmox/vm.bootstrap",
            "ctf/cve/web/apache/CVE-2021-42013",
            "tools/v1.2-beta",
            "_init_lab",
            "hosts.yml",
            "with space",
            "stra\u{df}e/\u{fc}ber uns (neu), v2+3",
            "u\u{308}ber",
            "\u{65e5}\u{672c}\u{8a9e}",
            "R&D = 1 @home #2 [x] ~ ^!",
        ] {
            assert_eq!(name.parse::<ContentName>().map(|n| n.to_string()), Ok(name.to_owned()));
        }
    }

    #[test]
    fn projects_have_plain_names_in_lower_case() {
        for name in ["kubespray", "lab_2", "a-b", "0"] {
            assert!(name.parse::<ProjectName>().is_ok(), "{name}");
        }
        for name in ["", "Kubespray", "a/b", "a.b", "-a", "_a", "a b", &"a".repeat(MAX_PROJECT_BYTES + 1)] {
            assert!(name.parse::<ProjectName>().is_err(), "{name}");
        }
    }

    #[test]
    fn names_that_climb_hide_or_look_like_options_are_refused() {
        let long = "a".repeat(MAX_NAME_BYTES + 1);
        for name in [
            "",
            ".",
            "..",
            "../x",
            "a/../b",
            "a..b",
            "/etc/passwd",
            "a/",
            "a//b",
            ".hidden",
            "a/.git",
            "a/ b",
            "a /b",
            " a",
            "a ",
            "~root/x",
            "-v",
            "a\tb",
            "a\u{a0}b",
            "a\u{200b}",
            "\u{202e}a",
            "\u{fffd}",
            "\u{2026}/x",
            "\u{ff0e}\u{ff0e}/x",
            "a\u{2215}b",
            "$HOME",
            "a;b",
            "a\n",
            "a\0b",
            "a\\b",
            "%2e%2e",
            "a'b",
            "{{x}}",
            &long,
        ] {
            assert!(name.parse::<ContentName>().is_err(), "{name:?}");
        }
    }
}
