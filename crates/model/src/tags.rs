//! Tag lists, as accepted by Ansible's `--tags` and `--skip-tags`.

use std::{fmt, str::FromStr};

use crate::serde_by_text;

/// The longest list, in bytes: it becomes one argument of a program.
pub const MAX_TAGS_BYTES: usize = 4096;

/// Why a tag list is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no list of tags: use letters, digits, `_`, `.`, `:`, `/` and `-`, not beginning with `-`, at most \
     {MAX_TAGS_BYTES} bytes together"
)]
pub struct BadTag(String);

/// A checked, comma-separated list of tags; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tags(String);

impl Tags {
    /// The list as Ansible takes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Joins a list of tags.
    ///
    /// # Errors
    /// When one of them is invalid, or the list is empty.
    pub fn from_list<S: AsRef<str>>(tags: &[S]) -> Result<Self, BadTag> {
        let list: Vec<&str> = tags.iter().map(AsRef::as_ref).collect();
        list.join(",").parse()
    }
}

impl FromStr for Tags {
    type Err = BadTag;

    fn from_str(text: &str) -> Result<Self, BadTag> {
        if text.len() > MAX_TAGS_BYTES {
            return Err(BadTag(text.escape_debug().take(40).collect::<String>() + " ..."));
        }
        match text.split(',').find(|tag| !is_tag(tag)) {
            Some(bad) => Err(BadTag(bad.escape_debug().to_string())),
            None => Ok(Self(text.to_owned())),
        }
    }
}

fn is_tag(tag: &str) -> bool {
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | ':' | '/' | '-');
    !tag.is_empty() && tag.len() <= 200 && !tag.starts_with('-') && tag.chars().all(allowed)
}

impl fmt::Display for Tags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

serde_by_text!(Tags);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_words_and_never_options() {
        assert!("install,never,vuln-box-00".parse::<Tags>().is_ok());
        assert!("a,".repeat(MAX_TAGS_BYTES).trim_end_matches(',').parse::<Tags>().is_err());
        for bad in ["", "a,,b", "-x", "a b", "{{x}}", "a\nb"] {
            assert!(bad.parse::<Tags>().is_err(), "{bad:?}");
        }
        assert!(Tags::from_list(&["a", "b"]).is_ok_and(|tags| tags.as_str() == "a,b"));
    }
}
